"""Where in a foreign JSON document the parts of an alert are, and a guess at it from a sample."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from incidents.sender_time import read_sender_time
from incidents.severity import is_severity_word

Path = Annotated[str, Field(max_length=512)]


def _names(words: str) -> tuple[str, ...]:
    return tuple(words.split())


FIRING_WORDS = frozenset(
    _names(
        "firing fired alerting alert alarm problem down triggered trigger open opened active new "
        "critical error warning failed failing failure unhealthy ko bad"
    )
)
RESOLVED_WORDS = frozenset(
    _names(
        "resolved resolve ok up closed close normal recovered recovery healthy cleared clear "
        "inactive fixed success good green"
    )
)

_MOST_LEAVES = 2_000
_MOST_LABELS = 32
_LONGEST_LABEL = 128
_LONGEST_PATH = 512
_LABEL_GROUPS = frozenset(("labels", "tags"))
_OF_PARENT = frozenset(("name", "id", "uuid"))
_WRAPPERS = frozenset(("", "data", "payload", "body", "attributes", "object", "details"))

_NAMES = _names(
    "alertname alert_name rule_name monitor_name check_name title event_name subject name "
    "check headline summary message msg text"
)
_SUMMARIES = _names("summary message description msg text details body reason output")
_STATUSES = _names("status state alert_state alert_status transition event_action action")
_SEVERITIES = _names("severity priority level urgency criticality importance sev")
_SERVICES = _names("service service_name application app")
_HOSTS = _names("host hostname host_name instance node server device machine")
_KEYS = _names(
    "dedup_key deduplication_key fingerprint alert_id incident_id problem_id alias id uuid"
)
_STARTS = _names(
    "starts_at started_at start_time started fired_at triggered_at opened_at created_at "
    "timestamp event_time time date datetime"
)
_ENDS = _names("ends_at ended_at end_time ended resolved_at recovered_at closed_at")
_URLS = _names("url link href web_url alert_url dashboard_url generator_url")
_BATCHES = _names("alerts events items incidents problems notifications records")


class FieldMapping(BaseModel):
    """Dotted paths with list indexes, such as ``alerts.0.title``; empty where there is nothing.

    ``items`` leads to the list of alerts, if the document holds several; the other paths then
    start at each of them. A key that itself holds dots is found too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: Path = ""
    name: Path = ""
    status: Path = ""
    severity: Path = ""
    service: Path = ""
    key: Path = ""
    starts_at: Path = ""
    ends_at: Path = ""
    summary: Path = ""
    url: Path = ""
    labels: dict[Annotated[str, Field(min_length=1, max_length=128)], Path] = Field(
        default_factory=dict, max_length=64
    )


def look_up(document: Any, path: str) -> Any:
    """What is at ``path``, or None; the longest key that fits is followed."""
    parts = path.split(".") if path else []
    while parts:
        document, used = _step(document, parts)
        if not used:
            return None
        parts = parts[used:]
    return document


def _step(document: Any, parts: Sequence[str]) -> tuple[Any, int]:
    if isinstance(document, list) and parts[0].isascii() and parts[0].isdecimal():
        index = int(parts[0][:6])
        return (document[index], 1) if index < len(document) else (None, 0)
    if isinstance(document, Mapping):
        for used in range(len(parts), 0, -1):
            key = ".".join(parts[:used])
            if key in document:
                return document[key], used
    return None, 0


def suggest_mapping(sample: Any) -> FieldMapping:
    """Seeks each part by its usual names, at any depth; a sample of anything will do."""
    items = find_items(sample)
    rows = look_up(sample, items)
    first = rows[0] if isinstance(rows, list) and rows else rows
    return suggest_fields(first).model_copy(update={"items": items})


def suggest_fields(row: Any) -> FieldMapping:
    """The mapping of one alert's document."""
    leaves = list(islice(_leaves(row), _MOST_LEAVES))
    name = _best(leaves, _NAMES, _is_text)
    status = _best(leaves, _STATUSES, is_status_word) or _best(leaves, _STATUSES, _is_text)
    graded_status = status if is_severity_word(look_up(row, status)) else ""
    return FieldMapping(
        name=name,
        status=status,
        severity=(
            _best(leaves, _SEVERITIES, is_severity_word)
            or graded_status
            or _best(leaves, _SEVERITIES, _is_text)
        ),
        service=_best(leaves, _SERVICES, _is_text),
        key=_best(leaves, _KEYS, _is_identity),
        starts_at=_best(leaves, _STARTS, _is_time),
        ends_at=_best(leaves, _ENDS, _is_time),
        summary=_best([leaf for leaf in leaves if leaf.path != name], _SUMMARIES, _is_text) or name,
        url=_best(leaves, _URLS, _is_text),
        labels=_suggest_labels(leaves),
    )


def _suggest_labels(leaves: Sequence["_Leaf"]) -> dict[str, str]:
    labels = {
        leaf.key: leaf.path for leaf in leaves if leaf.parent in _LABEL_GROUPS and leaf.is_nameable
    }
    host = _best(leaves, _HOSTS, _is_text)
    return dict(islice(labels.items(), _MOST_LABELS)) | ({"host": host} if host else {})


def is_status_word(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in FIRING_WORDS | RESOLVED_WORDS


def find_items(sample: Any) -> str:
    """The key of the list of alerts in ``sample``, or an empty text."""
    if not isinstance(sample, Mapping):
        return ""
    for key, value in sample.items():
        is_batch = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
        if is_batch and _plain(key) in _SOUGHT_BATCHES:
            return str(key)
    return ""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that is no container. ``parent`` is the key above, as ``_plain`` writes it."""

    path: str
    key: str
    parent: str
    value: Any

    @property
    def is_short(self) -> bool:
        return len(self.path) <= _LONGEST_PATH

    @property
    def is_nameable(self) -> bool:
        is_of_list = self.key.isdecimal()
        return self.is_short and not is_of_list and 0 < len(self.key) <= _LONGEST_LABEL

    @property
    def meaning(self) -> str:
        """``host.name`` is a hostname, and ``host.id`` is not the alert's."""
        key = _plain(self.key)
        is_of_parent = key in _OF_PARENT and self.parent not in _WRAPPERS
        return self.parent + key if is_of_parent and not self.parent.isdecimal() else key


def _leaves(document: Any) -> Iterator[_Leaf]:
    """The shallow ones first."""
    level = [_Leaf("", "", "", document)]
    while level:
        yield from (leaf for leaf in level if not isinstance(leaf.value, Mapping | list))
        level = [member for leaf in level for member in _members(leaf)]


def _members(leaf: _Leaf) -> Iterator[_Leaf]:
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(leaf.value, Mapping):
        pairs = leaf.value.items()
    elif isinstance(leaf.value, list):
        pairs = enumerate(leaf.value)
    prefix, parent = f"{leaf.path}." if leaf.path else "", _plain(leaf.key)
    return (_Leaf(f"{prefix}{key}", str(key), parent, value) for key, value in pairs)


def _best(leaves: Sequence[_Leaf], names: Sequence[str], fits: Callable[[Any], bool]) -> str:
    """The path of the leaf with the most telling name; of several, the shallowest."""
    rank = {_plain(name): place for place, name in enumerate(names)}
    fitting = [
        (rank[leaf.meaning], place)
        for place, leaf in enumerate(leaves)
        if leaf.meaning in rank and leaf.is_short and fits(leaf.value)
    ]
    return leaves[min(fitting)[1]].path if fitting else ""


def _plain(key: Any) -> str:
    """``startsAt``, ``starts_at`` and ``Starts-At`` are one name."""
    return "".join(character for character in str(key).lower() if character.isalnum())


_SOUGHT_BATCHES = frozenset(_plain(name) for name in _BATCHES)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_identity(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, int) and not isinstance(value, bool))


def _is_time(value: Any) -> bool:
    return read_sender_time(value) is not None
