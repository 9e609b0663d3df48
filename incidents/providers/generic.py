"""Any JSON: by a mapping edited in the browser, or by a guess where there is none.

A row that says `"type": "change"` is a change, whatever the mapping says.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ValidationError

from incidents.event import AlertEvent, AlertStatus
from incidents.providers.base import (
    ChangeEvent,
    ParseResult,
    Provider,
    UnreadablePayload,
    as_text,
    collect,
    one_line,
    web_url,
)
from incidents.providers.change_row import change_of, tells_of_change
from incidents.providers.field_mapping import (
    RESOLVED_WORDS,
    FieldMapping,
    find_items,
    look_up,
    suggest_fields,
    suggest_mapping,
)
from incidents.sender_time import read_sender_time
from incidents.severity import classify_severity

__all__ = ["FieldMapping", "Generic", "preview", "suggest_mapping"]

_NAMELESS = "Unnamed alert"
_NO_ALERT = (
    "Nothing in it looks like an alert: no name, message or title found;"
    " map its fields in the source's settings."
)


class Generic(Provider):
    """``settings["mapping"]`` is a FieldMapping as plain JSON; without one, parts are sought."""

    slug: ClassVar[str] = "generic"
    docs_url: ClassVar[str] = "https://www.rfc-editor.org/rfc/rfc8259"

    def __init__(self, mapping: FieldMapping | None = None) -> None:
        self._mapping = mapping

    @classmethod
    def configured(cls, settings: Mapping[str, Any]) -> Self:
        stored = settings.get("mapping")
        return cls(_read_mapping(stored) if stored else None)

    def parse(self, payload: Any) -> ParseResult:
        if self._mapping:
            return collect(_rows(payload, self._mapping.items), self._mapped)
        return collect(_rows(payload, find_items(payload)), _guessed)

    def _mapped(self, row: Any) -> AlertEvent | ChangeEvent:
        if tells_of_change(row):
            return change_of(row)
        mapping = self._mapping or FieldMapping()
        name = one_line(look_up(_object(row), mapping.name))
        if mapping.name and not name:
            raise UnreadablePayload(f"There is no name at “{mapping.name}”.")
        return _event(row, mapping, name)


def preview(sample: Any, mapping: Mapping[str, Any] | None) -> ParseResult:
    """What ``sample`` would become. Raises UnreadablePayload."""
    return Generic.configured({"mapping": mapping}).parse(sample)


def _read_mapping(stored: Any) -> FieldMapping:
    try:
        return FieldMapping.model_validate(stored)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadablePayload(
            f"The field mapping is wrong at “{place}”: {first['msg']}"
        ) from error


def _rows(payload: Any, items: str) -> list[Any]:
    found = look_up(payload, items)
    if isinstance(found, list) and found:
        return found
    if isinstance(found, Mapping) and found:
        return [found]
    where = f"at “{items}”" if items else "in the body"
    raise UnreadablePayload(f"There is no JSON object and no list of them {where}.")


def _object(row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping) or not row:
        raise UnreadablePayload("This is not a JSON object with something in it.")
    return row


def _guessed(row: Any) -> AlertEvent | ChangeEvent:
    if tells_of_change(row):
        return change_of(row)
    mapping = suggest_fields(_object(row))
    if mapping == FieldMapping():
        raise UnreadablePayload(_NO_ALERT)
    return _event(row, mapping, one_line(look_up(row, mapping.name)))


def _event(row: Any, mapping: FieldMapping, name: str) -> AlertEvent:
    status = _status(look_up(row, mapping.status)) if mapping.status else "firing"
    key = look_up(row, mapping.key) if mapping.key else None
    labels = {label: _at(row, path) for label, path in mapping.labels.items()}
    found = {"alertname": name or _NAMELESS, "service": _at(row, mapping.service), **labels}
    return AlertEvent(
        name=name or _NAMELESS,
        status=status,
        severity=classify_severity(_at(row, mapping.severity)),
        starts_at=read_sender_time(look_up(row, mapping.starts_at)),
        ends_at=read_sender_time(look_up(row, mapping.ends_at)),
        labels={label: value for label, value in found.items() if value},
        annotations=_annotations(row, mapping),
        key="" if key is None else as_text(key),
        url=web_url(_at(row, mapping.url)),
        summary=one_line(_at(row, mapping.summary)),
    )


def _at(row: Any, path: str) -> str:
    value = look_up(row, path) if path else None
    return "" if value is None else as_text(value)


def _status(value: Any) -> AlertStatus:
    word = as_text(value).strip().lower()
    return "resolved" if word in RESOLVED_WORDS else "firing"


def _annotations(row: Mapping[str, Any], mapping: FieldMapping) -> dict[str, str]:
    """The parts at the top that have no other place, so that nothing sent is out of sight."""
    placed = {path for path in mapping.model_dump(exclude={"labels"}).values() if path}
    placed.update(mapping.labels.values())
    return {
        key: as_text(value)
        for key, value in row.items()
        if key not in placed and value is not None and as_text(value)
    }
