"""P-1 and P-2: what was thanked for is there, and becomes an incident, whoever is killed."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.chaos.conftest import Sender, post, wait_for

CLIENTS, KILLS = 8, 3
SERVICES, CLUSTERS = ("checkout", "payments", "catalog", "store"), ("eu", "us")


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


def test_killed_workers_leave_what_a_run_without_kills_leaves(console, start, tmp_path):
    calm = start(data_dir=tmp_path / "calm")
    senders = start_senders(console, labels_of=labels_of, pause_seconds=0.05)
    for kill in range(1, 6):
        wait_for(lambda kill=kill: sum(len(s.accepted) for s in senders) > 50 * kill)
        console.kill("aiops-worker")

    accepted, unsure = stop(senders)
    calm.wait_until_ready()
    send_all(calm, accepted)

    assert not unsure
    for each in (console, calm):
        wait_for(lambda each=each: each.pending() == 0, timeout=60)
        states = each.query("SELECT state, count(*) FROM incidents_message GROUP BY state")
        assert states == [("processed", len(accepted))]
    assert incidents_of(console) == incidents_of(calm)
    assert set(incidents_of(calm)) == {*SERVICES, *CLUSTERS}


def labels_of(delivery):
    """Alerts of several services and clusters; each alert is delivered twice."""
    sender, _, number = delivery.rpartition("-")
    alert = int(number) // 2
    labels = {"instance": f"{sender}-{alert}", "service": SERVICES[alert % len(SERVICES)]}
    if alert % 3 == 0:
        labels |= {"service": "edge", "cluster": CLUSTERS[alert % len(CLUSTERS)]}
    return labels


def send_all(console, deliveries):
    token = console.connect("alertmanager")
    url = f"{console.url}/api/v1/webhooks/alertmanager/"
    with httpx.Client(timeout=10) as client, ThreadPoolExecutor(CLIENTS) as threads:
        answers = [
            threads.submit(post, client, url, token, delivery, **labels_of(delivery))
            for delivery in sorted(deliveries)
        ]
        assert {answer.result().status_code for answer in answers} == {202}


def incidents_of(console):
    """By the cluster, or else the service, that their alerts share: all that is in them."""
    rows = console.query(
        "SELECT number, incident.status, alert_count, firing_count,"
        " json_extract(labels, '$.cluster'), json_extract(labels, '$.service'),"
        " json_extract(labels, '$.instance'), alert.status, event_count"
        " FROM incidents_alert AS alert JOIN incidents_incident AS incident"
        " ON alert.incident_id = incident.number"
    )
    found = {}
    for number, status, alerts, firing, cluster, service, *alert in rows:
        incident = found.setdefault(number, (cluster or service, (status, alerts, firing), set()))
        assert incident[0] == (cluster or service)
        incident[2].add(tuple(alert))
    by_key = {key: content for key, *content in found.values()}
    assert len(by_key) == len(found)
    return by_key


def start_senders(console, **options):
    token = console.connect("alertmanager")
    names = [f"sender{number}" for number in range(CLIENTS)]
    senders = [Sender(console, token, name, **options) for name in names]
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
