"""The runs of a runbook by day and by how they ended."""

from collections import Counter
from datetime import UTC, date, datetime, time

from django.db.models import Count
from django.db.models.functions import TruncDate

from automation.charts import Days, Kind, by_day, days_until
from automation.models import Execution, Runbook

SHOWN_DAYS = 30
State = Execution.State
KINDS = (
    Kind("succeeded", "Succeeded", "--ok"),
    Kind("failed", "Failed", "--critical", "/"),
    Kind("rolled_back", "Rolled back", "--chart-ochre", "x"),
    Kind("left", "Stopped or unknown", "--info", "."),
    Kind("going", "Under way", "--violet", "-"),
)
_ROLES = {
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.ROLLED_BACK: "rolled_back",
    State.STOPPED: "left",
    State.UNKNOWN: "left",
}


def runs_by_day(runbook: Runbook, *, until: date) -> Days:
    """Of runs that began in the last 30 days, in UTC."""
    days = days_until(until, SHOWN_DAYS)
    since = datetime.combine(days[0], time.min, UTC)
    begun = Execution.objects.filter(remediation__runbook=runbook, started_at__gte=since)
    dated = begun.annotate(day=TruncDate("started_at", tzinfo=UTC)).order_by()
    counts: Counter[tuple[date, str]] = Counter()
    for day, state, count in dated.values_list("day", "state").annotate(Count("pk")):
        counts[day, _ROLES.get(State(state), "going")] += count
    return by_day(days, KINDS, counts)
