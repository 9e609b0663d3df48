"""What a policy, saved or only typed, would have done in the last 30 days."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from automation.backtest import Backtest, backtest
from automation.charts import Days, Kind, by_day, days_until
from automation.forms import BacktestForm
from automation.models import HealingPolicy
from automation.replay import Outcome
from automation.views.asking import PersonRequest
from automation.views.cards import GUARDRAILS
from automation.views.policies import parameters_form
from incidents.models import Incident
from telemetry.access import requires

DAYS = 30
SHOWN, SHOWN_IN_PART = 200, 20
RAN = Kind("ran", "Would have run", "--ok")
LATE = Kind("waiting", "Would have run later", "--low", "/")
HELD = Kind("held_back", "Held back", "--medium", ".")
REFUSED = Kind("failed", "No plan", "--critical", "x")


@dataclass(frozen=True)
class Line:
    """What would have become of one incident."""

    incident: Incident
    kind: Kind
    targets: tuple[str, ...] = ()
    run_at: datetime | None = None
    why: str = ""

    @property
    def lasted_seconds(self) -> float | None:
        over = self.incident.resolved_at or self.incident.closed_at
        is_over = over and not self.incident.is_active
        return (over - self.incident.opened_at).total_seconds() if over and is_over else None


@require_GET
@requires("automation.view_healingpolicy")
def show(request: PersonRequest) -> HttpResponse:
    """Of the fields of the form; without them, of the saved `policy`. A page, or a part of one."""
    pk = request.GET.get("policy", "")
    saved = HealingPolicy.objects.select_related("runbook__published")
    policy = saved.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if policy is None and "matchers" not in request.GET:
        raise Http404("There is no such policy.")
    context: dict[str, Any] = {"policy": policy}
    try:
        asked = _typed(request, policy) if "matchers" in request.GET else policy
        context |= _shown(asked, SHOWN_IN_PART if request.htmx else SHOWN) if asked else {}
    except ValidationError as error:
        context["problems"] = error.messages
    part = "automation/backtest_part.html" if request.htmx else "automation/backtest.html"
    return render(request, part, context)


def _typed(request: PersonRequest, saved: HealingPolicy | None) -> HealingPolicy:
    """Never saved. Raises `ValidationError` with what is missing."""
    form = BacktestForm(request.GET)
    values = parameters_form(request.GET.get("runbook", ""), request.GET, {})
    for each in (form, values):
        if each is not None and not each.is_valid():
            raise ValidationError(
                [f"{_label(each, name)}: {words}" for name, words in _wrong(each)]
            )
    typed: HealingPolicy = form.instance
    typed.pk = saved.pk if saved else None
    typed.matchers = form.cleaned_data["matchers"]
    typed.parameters = values.given() if values else {}
    return typed


def _shown(policy: HealingPolicy, count: int) -> dict[str, Any]:
    now = timezone.now()
    days = days_until(now.date(), DAYS)
    tested = backtest(policy, since=datetime.combine(days[0], time.min, UTC), now=now)
    lines = sorted(_lines(tested), key=lambda line: -line.incident.number)
    return {
        "lines": lines[:count],
        "total": len(lines),
        "counts": Counter(line.kind.role for line in lines),
        "in_the_way": _in_the_way(tested.outcomes),
        "daily": _daily(days, lines),
        "back_to": tested.found.back_to,
    }


def _lines(tested: Backtest) -> list[Line]:
    refused = [
        Line(tested.incidents[number], REFUSED, why=why) for number, why in tested.refusals.items()
    ]
    return [*refused, *(_line(tested.incidents, outcome) for outcome in tested.outcomes)]


def _line(incidents: Any, outcome: Outcome) -> Line:
    chance, why = outcome.chance, " ".join(check.reason for check in outcome.against)
    kind = HELD if outcome.run_at is None else LATE if outcome.against else RAN
    return Line(incidents[chance.number], kind, chance.targets, outcome.run_at, why)


def _in_the_way(outcomes: list[Outcome]) -> list[tuple[str, int, int]]:
    """Of each guardrail: how often it delayed, and how often it held back for good."""
    delayed: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for outcome in outcomes:
        (delayed if outcome.run_at else held).update(check.name for check in outcome.against)
    names = [name for name in GUARDRAILS if delayed[name] or held[name]]
    return [(GUARDRAILS[name], delayed[name], held[name]) for name in names]


def _daily(days: list[date], lines: list[Line]) -> Days:
    opened = Counter((line.incident.opened_at.date(), line.kind.role) for line in lines)
    return by_day(days, (RAN, LATE, HELD, REFUSED), opened)


def _wrong(form: Any) -> list[tuple[str, str]]:
    return [(name, " ".join(errors)) for name, errors in form.errors.items()]


def _label(form: Any, name: str) -> str:
    return form.fields[name].label or name
