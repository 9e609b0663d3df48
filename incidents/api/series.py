"""The charts of the telemetry app, with the incidents of that time drawn in."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from django.db.models import Q

from incidents.models import Incident
from telemetry.api import views
from telemetry.chart_loading import as_ms
from telemetry.chart_series import Severity, Window
from telemetry.models import Service

MOST_WINDOWS = 50


def incident_windows(service: Service, start: datetime, end: datetime) -> list[Window]:
    """Of the incidents that touch the service and were going on then, cut to that time."""
    touching = Q(service=service) | Q(services=service)
    ongoing = Q(resolved_at=None) | Q(resolved_at__gte=start)
    found = Incident.objects.filter(touching, ongoing, onset_at__lte=end).distinct()
    rows = found.order_by("-number").values_list("onset_at", "resolved_at", "severity")
    return [
        Window(as_ms(max(onset, start)), as_ms(ended) if ended else None, cast(Severity, severity))
        for onset, ended, severity in rows[:MOST_WINDOWS]
    ]


class WithIncidents:
    def windows(self, service: Service, start: datetime, end: datetime) -> Sequence[Window]:
        return incident_windows(service, start, end)


class SeriesView(WithIncidents, views.SeriesView):
    pass


class FigureView(WithIncidents, views.FigureView):
    pass
