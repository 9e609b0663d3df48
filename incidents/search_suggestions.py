"""What a search could go on with: the fields of a language, then the values that are known."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Case, QuerySet, When
from django.db.models.fields.json import KeyTextTransform

from incidents.completion import Typed
from incidents.models import Alert, Incident, Integration
from incidents.search import Language
from telemetry.models import Service

MOST = 10
LONGEST = 100
RECENT = 1000
TIME_LIMIT_SECONDS = 0.3
_STEPS_BETWEEN_LOOKS = 1000
_NAME = re.compile(r"[\w./-]+")
_AGO = (">-1h", ">-24h", ">-7d")
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "opened": _AGO,
    "resolved": _AGO,
    "duration": (">30m", ">2h", ">1d"),
    "alerts": (">10", ">100"),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`hint` says more about it, or is empty."""

    text: str
    hint: str = ""


def suggest(typed: Typed, language: Language) -> list[Suggestion]:
    """At most ten; none when the database would take too long, for it is only a help."""
    if not typed.field:
        return _fields(typed.text, language)[:MOST]
    if typed.field in _EXAMPLES:
        is_begun = typed.text or typed.is_signed
        return [] if is_begun else [Suggestion(text) for text in _EXAMPLES[typed.field]]
    known = _known(typed.field, language)
    values = _having(typed.text, known) if known else _kept(typed)
    return [Suggestion(value) for value in values if _can_be_written(value)][:MOST]


def _fields(begun: str, language: Language) -> list[Suggestion]:
    if begun.startswith("label."):
        keys = _label_keys(begun.removeprefix("label."))
        return [Suggestion(f"label.{key}") for key in keys if _NAME.fullmatch(key)]
    names = _having(begun, [*language.fields, "sort"])
    return [Suggestion(name, _hint(name, language)) for name in names]


def _known(field: str, language: Language) -> list[str]:
    """The words a field is restricted to; empty where any will do."""
    return list(language.columns if field == "sort" else language.values.get(field) or ())


def _hint(field: str, language: Language) -> str:
    words = _known(field, language) or _EXAMPLES.get(field, ())
    return ", ".join(words[:3]) + (", …" if len(words) > 3 else "")


def _having(text: str, names: Iterable[str]) -> list[str]:
    """Those that begin with it, then those that have it further on."""
    low = text.lower()
    found = [name for name in names if low in name.lower()]
    return sorted(found, key=lambda name: not name.lower().startswith(low))


def _kept(typed: Typed) -> list[str]:
    prefix, _, key = typed.field.partition(".")
    if prefix == "label" and key:
        return _label_values(key, typed.text)
    if prefix == "owner":
        return [*_having(typed.text, ("me", "none")), *_people(typed.text)]
    source = _SOURCES.get(typed.field)
    return source(typed.text) if source else []


def _of(rows: Callable[[], QuerySet[Any]], column: str) -> Callable[[str], list[str]]:
    def values(text: str) -> list[str]:
        found = rows().filter(**{f"{column}__icontains": text})
        first = Case(When(**{f"{column}__istartswith": text}, then=0), default=1)
        ordered = found.order_by(first, column).values_list(column, flat=True)
        return _read(ordered.distinct()[:MOST])

    return values


def _recent(model: type[Alert] | type[Incident]) -> QuerySet[Any]:
    """Of the newest only, so that it costs the same however many there are."""
    rows: QuerySet[Any] = model.objects.all()
    return rows.filter(pk__in=rows.order_by("-pk").values("pk")[:RECENT])


def _label_values(key: str, text: str) -> list[str]:
    said = _recent(Alert).annotate(said=KeyTextTransform(key, "labels"))
    return _of(lambda: said, "said")(text)


def _label_keys(text: str) -> list[str]:
    labels = _read(_recent(Alert).values_list("labels", flat=True))
    keys = sorted({key for each in labels for key in each})
    return [key for key in _having(text, keys) if _can_be_written(key)]


_people = _of(lambda: User.objects.filter(is_active=True), "username")
_SOURCES: dict[str, Callable[[str], list[str]]] = {
    "service": _of(Service.objects.all, "slug"),
    "team": _of(Service.objects.all, "owner"),
    "source": _of(Integration.objects.all, "name"),
    "classification": _of(lambda: _recent(Incident), "classification"),
    "alertname": _of(lambda: _recent(Alert), "name"),
    "env": lambda text: _label_values("env", text),
    "label": _label_keys,
}


def _can_be_written(value: str) -> bool:
    return value.isprintable() and 0 < len(value) <= LONGEST


def _read(rows: QuerySet[Any, Any]) -> list[Any]:
    started_at = monotonic()
    try:
        with _time_limit():
            return list(rows)
    except OperationalError:
        if monotonic() - started_at < TIME_LIMIT_SECONDS:
            raise
        return []


@contextmanager
def _time_limit() -> Iterator[None]:
    """The database gives up with an `OperationalError` when the time is over."""
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            milliseconds = str(round(1000 * TIME_LIMIT_SECONDS))
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            yield
        return
    connection.ensure_connection()
    ends_at = monotonic() + TIME_LIMIT_SECONDS
    connection.connection.set_progress_handler(lambda: monotonic() > ends_at, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
