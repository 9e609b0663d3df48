from datetime import UTC, datetime, timedelta

import pytest

from aiops_site.estate import alertmanager
from aiops_site.estate.conditions import Probe
from aiops_site.estate.delivery import Delivery, Journal
from aiops_site.estate.episodes import Episode
from aiops_site.estate.prober import Watch, resolve_leftovers
from tests.estate.console_edge import wait_for

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEALTHY = {
    "requests": {"total": 50, "failed_share": 0.0},
    "own_errors": {"total": 50, "failed_share": 0.0},
    "memory_bytes": 30_000_000,
    "dependencies": {"store": {"total": 50, "failed_share": 0.0}},
}
DOWN = Probe(1.5, None, "no answer within 1.5 s")
WELL = Probe(0.01, HEALTHY)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "alerts.json")


@pytest.fixture
def delivery(console, journal):
    return Delivery(console_url=console.url, token="a", journal=journal)


@pytest.fixture
def watch(delivery):
    return Watch("catalog", 4000, delivery, "http://127.0.0.1:9")


def take(watch, probes, every_seconds=2):
    for number, probe in enumerate(probes):
        watch.take(probe, NOON + timedelta(seconds=number * every_seconds))


def told(console):
    return [
        (alert["labels"]["alertname"], alert["status"])
        for message in console.webhooks
        for alert in message["alerts"]
    ]


def test_two_bad_looks_fire_and_two_good_ones_resolve():
    episode = Episode()
    looks = [True, False, True, True, False, True, False, False, False]

    changes = [episode.observe(is_bad=is_bad, at=NOON) for is_bad in looks]

    assert changes == [None, None, None, "firing", None, None, None, "resolved", None]


def test_a_firing_alert_is_repeated_every_minute():
    episode = Episode()

    changes = [
        episode.observe(is_bad=True, at=NOON + timedelta(seconds=2 * number))
        for number in range(65)
    ]

    assert [number for number, change in enumerate(changes) if change == "repeat"] == [31, 61]


def test_the_same_alert_is_told_again_and_resolved_with_the_time_it_started(
    watch, delivery, console
):
    delivery.start()

    take(watch, [DOWN] * 33 + [WELL] * 2)

    assert delivery.wait_until_empty(5)
    alerts = [message["alerts"][0] for message in console.webhooks]
    assert (alerts[0]["status"], alerts[-1]["status"]) == ("firing", "resolved")
    assert {alert["startsAt"] for alert in alerts} == {"2026-03-01T12:00:02.000Z"}
    assert len({alert["fingerprint"] for alert in alerts}) == 1
    assert alerts[-1]["endsAt"] == "2026-03-01T12:01:08.000Z"


def test_what_a_service_that_is_down_cannot_report_stays_as_it_was(watch, delivery, console):
    failing = Probe(0.01, HEALTHY | {"own_errors": {"total": 50, "failed_share": 0.5}})
    delivery.start()

    take(watch, [failing, failing, DOWN, DOWN, WELL, WELL])

    assert delivery.wait_until_empty(5)
    assert told(console) == [
        ("HighErrorRate", "firing"),
        ("ServiceDown", "firing"),
        ("HighErrorRate", "resolved"),
        ("ServiceDown", "resolved"),
    ]


def test_a_refused_webhook_is_not_sent_for_ever(watch, delivery, console):
    console.answer = 401
    delivery.start()

    take(watch, [DOWN, DOWN])

    assert delivery.wait_until_empty(5)
    assert console.webhooks == []


def test_webhooks_keep_their_order_through_an_outage(watch, delivery, console):
    console.answer = 503
    delivery.start()
    take(watch, [DOWN, DOWN, WELL, WELL, DOWN, DOWN])

    console.answer = 202

    assert delivery.wait_until_empty(10)
    assert [status for _, status in told(console)] == ["firing", "resolved", "firing"]


def test_repeats_do_not_pile_up_while_the_console_is_away(watch, delivery):
    take(watch, [DOWN] * 200)

    assert len(delivery._letters) == 1


def test_alerts_an_earlier_prober_left_firing_are_resolved(watch, delivery, journal, console):
    take(watch, [DOWN, DOWN])
    later = Delivery(console_url=console.url, token="a", journal=journal)

    resolve_leftovers(journal, later, "http://127.0.0.1:9")
    later.start()

    assert later.wait_until_empty(5)
    assert told(console) == [("ServiceDown", "resolved")]
    assert wait_for(lambda: journal.read() == {}, 1)


def test_stopping_resolves_what_fires(watch, delivery, console):
    delivery.start()
    take(watch, [DOWN, DOWN])

    watch.resolve_all(NOON + timedelta(minutes=1))

    assert delivery.wait_until_empty(5)
    assert told(console) == [("ServiceDown", "firing"), ("ServiceDown", "resolved")]


def test_a_fingerprint_is_that_of_prometheus():
    assert alertmanager.fingerprint({}) == "cbf29ce484222325"
    one = alertmanager.fingerprint({"alertname": "A", "service": "b"})
    assert one == alertmanager.fingerprint({"service": "b", "alertname": "A"})
    assert one != alertmanager.fingerprint({"service": "b", "alertname": "B"})
    assert len(one) == 16


def test_a_message_says_what_its_alerts_have_in_common():
    labels = {"alertname": "DependencyDown", "service": "checkout"}
    alerts = [
        alertmanager.firing(
            labels | {"dependency": name}, "x", started_at=NOON, generator_url="http://g"
        )
        for name in ("payments", "store")
    ]
    alerts[1] = alertmanager.resolved(alerts[1], at=NOON)

    message = alertmanager.message(alerts, external_url="http://e")

    assert message["status"] == "firing"
    assert message["commonLabels"] == labels
    assert message["groupKey"] == '{}:{alertname="DependencyDown", service="checkout"}'
