"""Which source a page of the explorer asks, and what it answers, its own store included."""

from django.http import Http404

from telemetry import asking, own_records
from telemetry.data_sources import BUILTIN
from telemetry.models import DataSource
from telemetry.sources.base import Ability
from telemetry.sources.builtin import failing_as_source
from telemetry.store.logs import KeptLog, LogQuery

LONGEST_SECONDS = 10.0
MOST_COUNTED = 1000


def choose(ability: Ability, name: str) -> tuple[DataSource, list[DataSource]]:
    """The source of that name, the console's own for none, and all there are to choose from."""
    sources = asking.sources_that(ability)
    for each in sources:
        if each.name == (name or BUILTIN.name):
            return each, sources
    raise Http404(f"There is no source {name[:60]} that could be asked for {ability}.")


def is_own(source: DataSource) -> bool:
    return source.pk is None


def search_logs(source: DataSource, query: LogQuery, limit: int) -> list[KeptLog]:
    """Newest first. What others keep has no number. Raises SourceFailed."""
    if is_own(source):
        with failing_as_source():
            return own_records.logs().search(query, limit)
    found = asking.ask(source, lambda each: each.logs(query, limit), seconds=LONGEST_SECONDS)
    return [KeptLog(0, record) for record in found]


def count_logs(source: DataSource, query: LogQuery, step_ns: int) -> list[tuple[int, int, int]]:
    """(begin of the step, severity, how many); of others only their newest lines are counted.

    Raises SourceFailed.
    """
    if is_own(source):
        with failing_as_source():
            return own_records.logs().count(query, step_ns)
    newest = search_logs(source, query, MOST_COUNTED)
    return [(kept.record.at_ns // step_ns * step_ns, kept.record.severity, 1) for kept in newest]
