"""Which incidents of the past a policy's matchers fit, from the alerts that are still stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact

from automation.policies import own_labels
from incidents import matchers
from incidents.matchers import Matcher
from incidents.models import AlertLink, Incident, Severity

MOST_ALERTS = 10_000
MOST_INCIDENTS = 1_000
COLUMNS = (
    "incident_id",
    "incident__opened_at",
    "incident__severity",
    "incident__classification",
    "incident__service__slug",
    "alert__name",
    "alert__labels",
)
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Found:
    """Incidents by number, newest first. `back_to` is None when all there is was looked at."""

    numbers: list[int]
    back_to: datetime | None


def matching(texts: Iterable[str], since: datetime) -> Found:
    """Incidents opened since then that any of their alerts, as it is stored now, makes fit.

    Looks at 10,000 alerts and finds 1,000 incidents at most. Raises `InvalidMatcher`.
    """
    wanted = matchers.parse_matchers(texts)
    found: dict[int, None] = {}
    looked_at, oldest = 0, since
    for number, opened_at, *facts in _alerts(wanted, since):
        looked_at, oldest = looked_at + 1, opened_at
        if number not in found and _fits(wanted, *facts):
            found[number] = None
        if len(found) == MOST_INCIDENTS:
            break
    is_partial = looked_at == MOST_ALERTS or len(found) == MOST_INCIDENTS
    return Found(list(found), oldest if is_partial else None)


def _fits(
    wanted: tuple[Matcher, ...],
    severity: str,
    classification: str,
    slug: str | None,
    name: str,
    labels: dict[str, str],
) -> bool:
    own = own_labels(severity=severity, classification=classification, service=slug)
    return matchers.matches_all(wanted, labels | {"alertname": name} | own)


def _alerts(wanted: tuple[Matcher, ...], since: datetime) -> Iterator[Row]:
    """Newest incident first: by number, whose index the links have, so that nothing is sorted."""
    first = Incident.objects.filter(opened_at__gte=since).aggregate(Min("number"))["number__min"]
    if first is None:
        return iter(())
    links = AlertLink.objects.filter(
        _narrowed(wanted), incident__gte=first, incident__opened_at__gte=since
    )
    rows = links.order_by("-incident_id").values_list(*COLUMNS)[:MOST_ALERTS]
    return rows.iterator(chunk_size=1000)


def _narrowed(wanted: tuple[Matcher, ...]) -> Q:
    """What the database can say of the matchers; each alert it leaves is asked all the same."""
    condition = Q()
    for matcher in wanted:
        if matcher.name == "severity":
            fitting = [each for each in Severity if matcher.matches({"severity": each})]
            condition &= Q(incident__severity__in=fitting)
        elif matcher.operator == "=":
            condition &= _equal(matcher.name, matcher.value)
    return condition


def _equal(name: str, value: str) -> Q:
    if name == "alertname":
        return Q(alert__name=value)
    if name == "classification":
        return Q(incident__classification=value)
    if name == "service":
        return Q(incident__service__slug=value) | Q(incident__service=None)
    if not value:
        return Q()  # no such label is as good as an empty one
    return Q(Exact(KeyTextTransform(name, "alert__labels"), value))
