"""P-1 and P-2: what was thanked for is there, and becomes an incident, whoever is killed."""

import httpx

from tests.chaos.conftest import Sender, post, wait_for

CLIENTS, KILLS = 8, 3


def test_a_killed_web_loses_nothing_it_has_thanked_for(console):
    senders = start_senders(console)
    for kill in range(1, KILLS + 1):
        wait_for(lambda kill=kill: sum(len(s.accepted) for s in senders) > 80 * kill)
        console.kill("aiops-web")
    wait_for(lambda: sum(len(s.accepted) for s in senders) > 80 * (KILLS + 1))

    accepted, unsure = stop(senders)

    stored = delivery_ids(console)
    assert accepted <= stored
    assert len(stored - accepted) <= CLIENTS * KILLS
    resend(console, senders[0], unsure)
    assert delivery_ids(console) == accepted | unsure
    assert_every_delivery_is_one_alert(console, accepted | unsure)


def test_killed_workers_delay_but_lose_and_double_nothing(console):
    senders = start_senders(console)
    for kill in range(1, 6):
        wait_for(lambda kill=kill: sum(len(s.accepted) for s in senders) > 60 * kill)
        console.kill("aiops-worker")

    accepted, unsure = stop(senders)

    assert not unsure
    assert_every_delivery_is_one_alert(console, accepted)


def start_senders(console):
    token = console.connect("alertmanager")
    senders = [Sender(console, token, f"sender{number}") for number in range(CLIENTS)]
    for sender in senders:
        sender.start()
    return senders


def stop(senders):
    for sender in senders:
        sender.stop()
    accepted = set().union(*(sender.accepted for sender in senders))
    return accepted, set().union(*(sender.unsure for sender in senders))


def resend(console, sender, deliveries):
    with httpx.Client(timeout=10) as client:
        for delivery in deliveries:
            answer = post(client, sender.url, sender.token, delivery)
            assert answer.status_code == 202


def delivery_ids(console):
    return {key for (key,) in console.query("SELECT delivery_key FROM incidents_message")}


def assert_every_delivery_is_one_alert(console, deliveries):
    wait_for(lambda: console.pending() == 0, timeout=60)
    states = console.query("SELECT state, count(*) FROM incidents_message GROUP BY state")
    alerts = console.query("SELECT json_extract(labels, '$.instance') FROM incidents_alert")
    incidents = console.query("SELECT alert_count, firing_count, status FROM incidents_incident")
    assert states == [("processed", len(deliveries))]
    assert sorted(name for (name,) in alerts) == sorted(deliveries)
    assert [counts[:2] for counts in incidents] == [(len(deliveries), len(deliveries))]
    assert console.query("SELECT DISTINCT event_count FROM incidents_alert") == [(1,)]
