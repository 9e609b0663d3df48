"""Who calls whom, as the other sources have counted it."""

from datetime import datetime

from telemetry import asking
from telemetry.calls import CallEdge
from telemetry.models import DataSource
from telemetry.sources.base import SourceFailed, Stretch


def ask_others(began_at: datetime, ended_at: datetime) -> list[CallEdge]:
    """Of the stretch. A source that does not answer is passed over; its own page says why."""
    stretch = Stretch(_ms(began_at), _ms(ended_at))
    others = [source for source in asking.sources_that("edges") if source.pk is not None]
    return [edge for source in others for edge in _edges(source, stretch)]


def _edges(source: DataSource, stretch: Stretch) -> list[CallEdge]:
    try:
        return asking.ask(source, lambda plugin: plugin.edges(stretch))
    except SourceFailed:
        return []


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
