"""P-32 to P-35: one approval is one run, and no step is done twice, whoever dies or sleeps."""

import contextlib
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import httpx
import orjson
import pytest

from tests.chaos.conftest import Console, csrf, post, wait_for
from tests.chaos.effects import Effects
from tests.chaos.planned import STEPS

SEED = 20
ENDED = {"succeeded", "failed", "unknown", "stopped", "rolled_back"}
TAKEN_OVER_WITHIN = 45
WORKERS = 2


@dataclass
class Plan:
    remediation: int
    plan_hash: str
    incident: int
    execution: int = 0


class Site:
    """A console with the runbooks `once` and `again`, its world, and a person who may approve."""

    def __init__(self, console, effects):
        self.console, self.effects = console, effects
        self.person = console.sign_in()
        self.shell(f"furnish({effects.url!r})")

    def shell(self, call):
        command = f"from tests.chaos import planned; planned.{call}"
        ran = self.console.manage("shell", "-v", "0", "-c", command)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def propose(self, **counts):
        arguments = ", ".join(f"{name}={count}" for name, count in counts.items())
        return [Plan(*each) for each in orjson.loads(self.shell(f"propose({arguments})"))]

    def ask(self, method, path, **body):
        headers = {"x-csrftoken": csrf(self.person)}
        return self.person.request(method, f"/api/v1/{path}", headers=headers, json=body)

    def demand(self, path, **body):
        answer = self.ask("POST", path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def approve(self, plans):
        for plan in plans:
            path = f"remediations/{plan.remediation}/approve/"
            plan.execution = self.demand(path, plan_hash=plan.plan_hash)["execution"]

    def run(self, plan):
        """The execution's state, and the states of its steps by name."""
        rows = self.console.query(
            "SELECT e.state, s.title, s.state FROM automation_execution e"
            " JOIN automation_steprun s ON s.execution_id = e.id WHERE e.id = ?",
            plan.execution,
        )
        return rows[0][0], {title: state for _, title, state in rows}

    def wait_until_ended(self, plans, timeout=20):
        wait_for(lambda: all(self.run(plan)[0] in ENDED for plan in plans), timeout)

    def leases_have_ended(self, plans):
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        held = "SELECT count(*) FROM automation_execution WHERE id = ? AND lease_until >= ?"
        return not any(self.console.query(held, plan.execution, now)[0][0] for plan in plans)

    def everything_about(self, plans):
        """Every row a worker could write, to be compared."""
        tables = {"automation_execution": "id", "automation_steprun": "execution_id"}
        tables["automation_outputline"] = "execution_id"
        return [
            self.console.query(f"SELECT * FROM {table} WHERE {key} = ?", plan.execution)  # noqa: S608
            for plan in plans
            for table, key in tables.items()
        ]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("executions")
    effects = Effects(folder / "effects")
    console = Console(folder / "data", AIOPS_OUTBOUND_ALLOW=effects.opened)
    try:
        console.wait_until_ready()
        site = Site(console, effects)
        with contextlib.closing(site.person):
            yield site
    finally:
        effects.close()
        console.close()


@pytest.fixture
def site(furnished):
    """Afterwards its database must be sound."""
    yield furnished
    examined = furnished.console.manage("doctor")
    assert examined.returncode == 0, examined.stdout


def test_a_killed_worker_does_no_step_twice_and_leaves_nothing_stuck(site):
    once, again = (plans := site.propose(once=9, again=3))[:9], plans[9:]
    kills = plan_kills(site, plans)

    site.approve(plans)
    site.wait_until_ended(plans, TAKEN_OVER_WITHIN)

    wait_for(lambda: len(kills) == len(plans))
    for plan in once:
        assert_journal_agrees(site, plan)
    assert {site.run(plan)[0] for plan in again} == {"succeeded"}
    assert "unknown" in {site.run(plan)[0] for plan in once}
    settle_all(site, once)
    assert [site.effects.of(plan.incident) for plan in once] == [dict.fromkeys(STEPS, 1)] * 9


def plan_kills(site, plans):
    """Each run loses its worker once: every step of `once` at every moment, shuffled."""
    chance = random.Random(SEED)  # noqa: S311 - the same chances each time
    kills = []

    def kill(plan, sender):
        os.kill(sender, signal.SIGKILL)
        kills.append(plan)
        return False

    def kill_soon(plan, sender):
        """Frozen first, so that it can't meanwhile go on to a run that has a moment of its own."""
        time.sleep(chance.uniform(0, 0.06))
        os.kill(sender, signal.SIGSTOP)
        wait_for(lambda: plan.execution)
        if site.run(plan)[0] in ENDED:
            os.kill(sender, signal.SIGCONT)
            kills.append(plan)
        else:
            kill(plan, sender)

    deeds = {"arrived": kill, "written": kill, "answered": kill_soon}
    places = [(step, moment) for step in STEPS for moment in deeds]
    places += chance.sample(places, len(plans) - len(places))
    order = chance.sample(places[:9], 9) + places[9:]
    for plan, (step, moment) in zip(plans, order, strict=True):
        site.effects.moments[plan.incident, step, moment] = partial(deeds[moment], plan)
    return kills


def assert_journal_agrees(site, plan):
    happened = site.effects.of(plan.incident)
    state, steps = site.run(plan)
    before, _, after = "".join(_letter(steps[step]) for step in STEPS).partition("?")
    assert all(count == 1 for count in happened.values())
    assert all(happened[step] == 1 for step in STEPS if steps[step] == "succeeded")
    assert not any(happened[step] for step in STEPS if steps[step] == "skipped")
    assert state == ("succeeded" if before == "sss" else "unknown")
    assert set(before) <= {"s"}
    assert set(after) <= {"-"}


def _letter(state):
    return {"succeeded": "s", "unknown": "?", "skipped": "-"}[state]


def settle_all(site, plans):
    """A person looks at the world and says what became of each unknown step; it then goes on."""
    for plan in plans:
        for step in site.ask("GET", f"executions/{plan.execution}/").json()["steps"]:
            if step["state"] == "unknown":
                verdict = "done" if site.effects.of(plan.incident)[step["title"]] else "not_done"
                site.demand(
                    f"executions/{plan.execution}/settle/", step=step["id"], verdict=verdict
                )
    wait_for(lambda: {site.run(plan)[0] for plan in plans} == {"succeeded"})


def test_workers_killed_while_they_wait_for_work_keep_nobody_from_it(site):
    first = workers_at_work(site)

    for worker in first:
        os.kill(worker, signal.SIGKILL)

    assert not workers_at_work(site) & first


def test_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes(site):
    plans = once, again = site.propose(once=1, again=1)
    stopped = set()

    def stop(sender):
        stopped.add(sender)
        os.kill(sender, signal.SIGSTOP)

    site.effects.moments[once.incident, "one", "arrived"] = stop
    site.effects.moments[again.incident, "two", "written"] = stop
    try:
        site.approve(plans)
        wait_for(lambda: len(stopped) == 2)
        wait_for(lambda: site.leases_have_ended(plans), timeout=25)
        site.shell(f"take_over({once.execution}, {again.execution})")
        site.wait_until_ended(plans)
        left = site.everything_about(plans)
    finally:
        for sender in stopped:
            os.kill(sender, signal.SIGCONT)

    assert workers_at_work(site) == stopped
    assert site.everything_about(plans) == left
    assert site.run(once)[1] == {"one": "unknown", "two": "skipped", "three": "skipped"}
    assert site.effects.of(once.incident) == {"one": 1}
    assert site.run(again)[0] == "succeeded"
    assert site.effects.of(again.incident) == {"one": 1, "two": 2, "three": 1}


def workers_at_work(site):
    """The processes that so many new runs need at the same time: all of the pool."""
    plans = site.propose(once=WORKERS)
    gates = [site.effects.hold(plan.incident, "one") for plan in plans]
    site.approve(plans)
    wait_for(lambda: all(site.effects.of(plan.incident)["one"] for plan in plans))
    for gate in gates:
        gate.set()
    site.wait_until_ended(plans)
    return {site.effects.senders[plan.incident, "one"] for plan in plans}


def test_a_pause_stops_what_policies_run_at_the_border_of_a_step(site):
    token = site.console.connect("alertmanager")
    gate = site.effects.hold_all()
    try:
        plans = start_by_policy(site, token, 6)
        wait_for(lambda: len(arrivals(site, plans)) == WORKERS)
        begun = arrivals(site, plans)
        site.demand("automation/pause/", reason="Deploy night")
        gate.set()
        site.wait_until_ended(plans)

        assert arrivals(site, plans) == begun
        assert {step for _, step in begun} == {"one"}
        assert {site.run(plan)[0] for plan in plans} == {"stopped"}
        assert sum(site.effects.of(plan.incident)["one"] for plan in plans) == WORKERS
        assert_a_person_stops_and_kills(site)
    finally:
        gate.set()
        site.ask("PATCH", "policies/heal/", is_enabled=False)
        site.demand("automation/resume/")


def start_by_policy(site, token, count):
    """One alert a service; a policy runs the runbook for each incident."""
    url = f"{site.console.url}/api/v1/webhooks/alertmanager/"
    with httpx.Client() as client:
        for number in range(count):
            assert post(client, url, token, f"{number}", f"service{number}").status_code == 202
    automatic = (
        "SELECT r.id, r.plan_hash, r.incident_id, e.id FROM automation_remediation r"
        " JOIN automation_execution e ON e.remediation_id = r.id WHERE r.policy_id IS NOT NULL"
    )
    wait_for(lambda: len(site.console.query(automatic)) == count)
    return [Plan(*row) for row in site.console.query(automatic)]


def arrivals(site, plans):
    numbers = {plan.incident for plan in plans}
    return [each for each in site.effects.arrivals if each[0] in numbers]


def assert_a_person_stops_and_kills(site):
    """What a person approves during a pause runs, and ends as that person asks."""
    plans = to_stop, to_kill = site.propose(once=2)
    gates = [site.effects.hold(plan.incident, "one") for plan in plans]
    site.approve(plans)
    wait_for(lambda: all(site.effects.of(plan.incident)["one"] for plan in plans))
    asked_at = time.monotonic()
    site.demand(f"executions/{to_kill.execution}/stop/", how="kill")
    site.wait_until_ended([to_kill])
    assert time.monotonic() - asked_at < 5
    site.demand(f"executions/{to_stop.execution}/stop/", how="stop")
    for gate in gates:
        gate.set()
    site.wait_until_ended([to_stop])
    assert site.run(to_kill) == ("unknown", states("unknown", "skipped", "skipped"))
    assert site.run(to_stop) == ("stopped", states("succeeded", "skipped", "skipped"))


def states(*of_steps):
    return dict(zip(STEPS, of_steps, strict=True))


def test_fifty_who_approve_at_once_and_ten_doorbells_are_one_run(site):
    [plan] = site.propose(once=1)
    together = threading.Barrier(50)

    def approve(_):
        together.wait(20)
        path = f"remediations/{plan.remediation}/approve/"
        return site.ask("POST", path, plan_hash=plan.plan_hash).status_code

    with ThreadPoolExecutor(50) as people:
        answers = list(people.map(approve, range(50)))
    by_plan = "SELECT id FROM automation_execution WHERE remediation_id = ?"
    [(plan.execution,)] = site.console.query(by_plan, plan.remediation)
    site.shell(f"ring({plan.execution}, times=10)")
    site.wait_until_ended([plan])

    assert answers.count(200) == 1
    assert set(answers) <= {200, 403, 409}
    assert site.run(plan)[0] == "succeeded"
    assert site.effects.of(plan.incident) == dict.fromkeys(STEPS, 1)
