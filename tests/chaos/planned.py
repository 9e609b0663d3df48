"""What the tests of executions do inside the console's own settings, by `manage.py shell -c`."""

import json
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from automation import planning, running
from automation.models import Connection, HealingPolicy, Runbook
from automation.published import publish, write_version
from automation.tasks import run_execution
from incidents import lifecycle
from incidents.models import Severity

STEPS = ("one", "two", "three")
RUNBOOK = """
name: {name}
risk: medium
parameters:
  incident: {{type: integer, from: incident.number}}
guardrails: {{max_per_hour: 1000, cooldown_seconds: 0, max_targets: 5}}
steps:
"""
STEP = """  - action: http_request
    executor: http
    name: {step}
    target: /{step}
    args: {{method: {method}, body: {{incident: "${{incident}}"}}}}
    timeout_seconds: 60
"""


def furnish(url):
    """A runbook of three steps that must not be repeated, one of steps that may, and a policy."""
    Connection.objects.create(executor="http", name="world", url=url, is_default=True)
    for name, method in (("once", "POST"), ("again", "PUT")):
        steps = "".join(STEP.format(step=step, method=method) for step in STEPS)
        publish(write_version(RUNBOOK.format(name=name) + steps, author=None, reason="To try."))
    HealingPolicy.objects.create(
        name="heal",
        matchers=["alertname=Down"],
        runbook=Runbook.objects.get(name="once"),
        mode=HealingPolicy.Mode.AUTO,
    )


def propose(**counts):
    """So many plans of each runbook, each for an incident of its own, as JSON."""
    plans = [_plan(name) for name, count in counts.items() for _ in range(count)]
    shown = ("pk", "plan_hash", "incident_id")
    print(json.dumps([[getattr(plan, name) for name in shown] for plan in plans]))  # noqa: T201


def take_over(*execution_ids):
    """What a worker on another machine does."""
    for execution_id in execution_ids:
        running.run(execution_id)


def ring(execution_id, times):
    """As many messages: each is another one to the broker."""
    for number in range(times):
        eta = timezone.now() - timedelta(seconds=number)
        run_execution.apply_async([execution_id], eta=eta)


def _plan(name):
    runbook = Runbook.objects.select_related("published").get(name=name)
    incident = lifecycle.open_incident(
        title="Something is down",
        severity=Severity.HIGH,
        correlation_key=f"{name}:{timezone.now().isoformat()}",
        onset_at=timezone.now(),
        service_id=None,
        actor="test",
        text="Opened",
    )
    return planning.draft(incident, planning.by_hand(runbook, User.objects.get(username="ada")))
