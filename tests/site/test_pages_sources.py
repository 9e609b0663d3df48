import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import orjson
import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import intake
from incidents.models import Alert, Integration, Message
from telemetry.credentials import hash_token
from tests.site.pages import browser, connected, deliver, texts

pytestmark = pytest.mark.django_db
POISON = "<script>window.__xss=1</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def editor():
    return browser("edith", "viewer", "editor")


@pytest.fixture
def viewer():
    return browser("vera", "viewer")


@pytest.fixture
def public_address(settings):
    """A server at the console's public address that accepts every delivery."""
    arrived = []

    class Accepting(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            arrived.append((self.path, self.headers["authorization"], orjson.loads(body)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            """Keeps the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Accepting) as server:
        settings.PUBLIC_URL = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield arrived
        server.shutdown()
        thread.join()


def test_a_new_source_shows_its_token_once_and_keeps_only_a_hash(editor):
    answer = editor.post(reverse("source-new"), {"provider": "grafana", "name": "grafana-prod"})

    token = answer.context["token"]
    source = Integration.objects.get(name="grafana-prod")
    assert token in answer.content.decode()
    assert source.token_hash == hash_token(token)
    assert answer.headers["Cache-Control"] == "no-store"
    assert token not in editor.get(reverse("source", args=[source.pk])).content.decode()


@pytest.mark.parametrize(
    "provider", ["alertmanager", "grafana", "pagerduty", "generic", "otlp", "prometheus"]
)
def test_every_product_gets_a_block_to_paste_with_its_address_and_token(editor, provider):
    answer = editor.post(reverse("source-new"), {"provider": provider, "name": "new"})

    assert answer.status_code == 200
    assert answer.context["address"] in answer.context["config"]
    assert answer.context["token"] in answer.context["config"]


def test_a_taken_name_is_said_beside_the_form(editor):
    connected(name="shop")

    answer = editor.post(reverse("source-new"), {"provider": "generic", "name": "shop"})

    assert answer.status_code == 422
    assert "already" in answer.content.decode()


def test_a_viewer_sees_sources_but_makes_none(viewer):
    assert viewer.get(reverse("sources")).status_code == 200

    answer = viewer.post(reverse("source-new"), {"provider": "generic", "name": "mine"})

    assert answer.status_code == 403
    assert not Integration.objects.exists()


@pytest.mark.parametrize("deed", ["source-rotate", "source-switch", "source-test"])
def test_a_viewer_changes_no_source(viewer, deed):
    source = connected().integration

    assert viewer.post(reverse(deed, args=[source.pk])).status_code == 403


def test_rotating_replaces_the_token(editor):
    made = connected()

    answer = editor.post(reverse("source-rotate", args=[made.integration.pk]))

    made.integration.refresh_from_db()
    assert answer.context["token"] != made.token
    assert made.integration.token_hash == hash_token(answer.context["token"])


def test_the_old_token_works_for_a_day_more_and_both_are_shown_masked(editor):
    made = connected()

    answer = editor.post(reverse("source-rotate", args=[made.integration.pk]), {"overlap": "day"})
    shown = editor.get(reverse("source", args=[made.integration.pk])).content.decode()

    token = answer.context["token"]
    assert f"The old one, {made.token[:6]}…, works until" in answer.content.decode()
    assert f"{made.token[:6]}…</code>" in shown
    assert f"{token[:6]}…</code>" in shown
    assert token not in shown
    assert made.token not in shown


def test_either_of_two_tokens_can_be_revoked(editor, viewer):
    made = connected()
    pk = made.integration.pk
    editor.post(reverse("source-rotate", args=[pk]), {"overlap": "day"})
    old = {"prefix": made.token[:6]}

    refused = viewer.post(reverse("source-revoke", args=[pk]), old)
    told = texts(editor.post(reverse("source-revoke", args=[pk]), old))
    again = texts(editor.post(reverse("source-revoke", args=[pk]), old))

    assert refused.status_code == 403
    assert told == [f"The token {made.token[:6]}… is revoked."]
    assert again == [*told, "It is the only token; rotate it, or pause the source."]
    assert "Revoke" not in editor.get(reverse("source", args=[pk])).content.decode()


def test_the_name_that_is_offered_is_the_products_own_or_the_next_that_is_free(editor):
    offered = reverse("source-new"), {"provider": "grafana"}
    first = editor.get(*offered).context["name"]
    connected(name="grafana")

    assert (first, editor.get(*offered).context["name"]) == ("grafana", "grafana-2")


def test_a_paused_source_says_so_and_can_be_resumed(editor):
    source = connected().integration

    editor.post(reverse("source-switch", args=[source.pk]), {"to": "off"})
    paused = editor.get(reverse("sources")).context["pulses"][0].state
    editor.post(reverse("source-switch", args=[source.pk]), {"to": "on"})

    source.refresh_from_db()
    assert paused == "paused"
    assert source.is_enabled


def test_a_source_is_receiving_silent_or_waiting_for_its_first_delivery(editor):
    fresh, quiet, new = (connected(name=name).integration for name in ("fresh", "quiet", "new"))
    deliver(fresh, b"{}", received_at=timezone.now())
    deliver(quiet, b"{}", received_at=timezone.now() - timezone.timedelta(hours=3))

    pulses = editor.get(reverse("sources")).context["pulses"]

    states = {pulse.integration: pulse.state for pulse in pulses}
    assert states == {fresh: "receiving", quiet: "silent", new: "waiting"}


def test_a_test_alert_goes_over_http_to_the_public_address(editor, public_address):
    made = connected("alertmanager")
    url = reverse("source-test", args=[made.integration.pk])

    answer = editor.post(
        url, {"token": made.token, "status": "firing"}, headers={"hx-request": "true"}
    )

    path, authorization, body = public_address[0]
    assert answer.status_code == 200
    assert path == "/api/v1/webhooks/alertmanager/"
    assert authorization == f"Bearer {made.token}"
    assert body["alerts"][0]["status"] == "firing"


def test_an_unreachable_public_address_is_told_as_such(editor, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    made = connected()
    url = reverse("source-test", args=[made.integration.pk])

    answer = editor.post(url, {"token": made.token}, headers={"hx-request": "true"})

    assert answer.status_code == 409
    assert "could not reach its own address" in answer.content.decode()


@pytest.mark.parametrize("provider", ["alertmanager", "grafana", "pagerduty", "generic"])
def test_a_test_alert_fires_and_is_resolved(editor, provider):
    source = connected(provider).integration
    url = reverse("source-test", args=[source.pk])

    editor.post(url, {"status": "firing"})
    intake.drain()
    fired = Alert.objects.get().status
    editor.post(url, {"status": "resolved"})
    intake.drain()

    assert fired == "firing"
    assert Alert.objects.get().status == "resolved"


def test_what_arrived_last_leads_to_its_incident(editor):
    source = connected().integration
    editor.post(reverse("source-test", args=[source.pk]), {"status": "firing"})
    intake.drain()

    page = editor.get(reverse("source-latest", args=[source.pk])).content.decode()

    incident = Alert.objects.get().incident
    assert f"INC-{incident.number}" in page
    assert "Test alert" in page


def test_nothing_a_sender_wrote_becomes_markup(editor):
    source = connected().integration
    body = orjson.dumps({"title": POISON, "severity": "critical", "service": POISON})
    message = deliver(
        source, body, state=Message.State.DEAD, reason=POISON, headers={"user-agent": POISON}
    )

    pages = [
        editor.get(reverse("source-delivery", args=[source.pk, message.pk])),
        editor.get(reverse("source", args=[source.pk])),
        editor.get(reverse("source-dead", args=[source.pk])),
        editor.get(reverse("source-latest", args=[source.pk])),
        editor.get(reverse("source-mapping", args=[source.pk])),
    ]

    for page in pages:
        assert page.status_code == 200
        assert "<script>window" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()


def test_a_body_is_shown_as_pretty_json_and_cut_at_64_kb(editor):
    source = connected().integration
    short = deliver(source, b'{"a":{"b":1}}')
    long = deliver(source, b'"' + b"A" * 70_000 + b'"')

    shown = editor.get(reverse("source-delivery", args=[source.pk, short.pk]))
    cut = editor.get(reverse("source-delivery", args=[source.pk, long.pk]))

    assert '{\n  "a": {\n    "b": 1' in shown.context["body"]
    assert cut.context["is_cut"]
    assert len(cut.context["body"]) == 64 * 1024


def test_a_replayed_delivery_is_read_with_the_mended_mapping(editor):
    source = connected().integration
    source.mapping = {"name": "nowhere"}
    source.save()
    message = deliver(source, b'{"headline":"Disk full"}')
    intake.drain()
    Integration.objects.update(mapping={"name": "headline"})

    editor.post(reverse("source-delivery-replay", args=[source.pk, message.pk]))
    intake.drain()

    assert Alert.objects.get().name == "Disk full"


def test_only_a_dead_letter_can_be_discarded(editor):
    source = connected().integration
    read = deliver(source, b"{}", state=Message.State.PROCESSED)
    dead = deliver(source, b"{", state=Message.State.DEAD)

    for message in (read, dead):
        editor.post(reverse("source-delivery-discard", args=[source.pk, message.pk]))

    assert list(Message.objects.all()) == [read]


def test_a_delivery_is_found_only_under_its_own_source(editor):
    one, other = connected(name="one").integration, connected(name="other").integration
    message = deliver(one, b"{}")

    assert editor.get(reverse("source-delivery", args=[other.pk, message.pk])).status_code == 404


def test_a_suggested_mapping_fills_the_form_and_shows_what_becomes_of_the_sample(editor):
    source = connected().integration
    sample = '{"data": {"headline": "Disk full", "level": "critical", "application": "store"}}'

    answer = editor.post(
        reverse("source-mapping-preview", args=[source.pk]),
        {"sample": sample, "suggest": "1"},
        headers={"hx-request": "true"},
    )

    event = answer.context["result"].events[0]
    assert answer.context["form"].initial["severity"] == "data.level"
    assert (event.name, event.severity, event.labels["service"]) == (
        "Disk full",
        "critical",
        "store",
    )


@pytest.mark.parametrize("sample", ["", "{", "[" * 5000, "7", "A" * 70_000])
def test_a_sample_that_is_no_json_is_a_sentence_in_the_preview(editor, sample):
    source = connected().integration

    answer = editor.post(
        reverse("source-mapping-preview", args=[source.pk]), {"sample": sample, "name": "a"}
    )

    assert answer.status_code == 200
    assert answer.context["problem"]


def test_a_mapping_is_saved_only_when_it_can_be_read(editor):
    source = connected().integration
    url = reverse("source-mapping", args=[source.pk])

    refused = editor.post(url, {"name": "title", "labels": "no equals sign"})
    saved = editor.post(url, {"name": "title", "labels": "host = source.host"})

    source.refresh_from_db()
    assert refused.status_code == 422
    assert saved.status_code == 302
    assert source.mapping == {"name": "title", "labels": {"host": "source.host"}}
    assert texts(saved) == ["The mapping is saved; deliveries from now on are read with it."]


def test_the_consoles_own_source_hands_out_no_token(editor):
    own = Integration.objects.create(
        name="own", provider="generic", token_hash="x", token_prefix=""
    )

    assert editor.post(reverse("source-rotate", args=[own.pk])).status_code == 403
    assert editor.get(reverse("source-mapping", args=[own.pk])).status_code == 404
    assert editor.get(reverse("source", args=[own.pk])).status_code == 200


def test_a_metrics_source_shows_the_series_instead_of_deliveries(editor):
    source = connected("otlp").integration

    page = editor.get(reverse("source", args=[source.pk]))
    latest = editor.get(reverse("source-latest", args=[source.pk]))

    assert page.status_code == 200
    assert "Waiting for the first metric" in latest.content.decode()


def test_all_dead_letters_are_retried_at_once(editor):
    made = connected()
    for _ in range(3):
        deliver(made.integration, b"{", state=Message.State.DEAD, reason="not JSON")
    other = deliver(connected(name="other").integration, b"{", state=Message.State.DEAD)

    answer = editor.post(reverse("source-dead-all", args=[made.integration.pk]), {"deed": "retry"})

    assert texts(answer) == ["3 deliveries are being read again."]
    assert not made.integration.messages.dead().exists()
    assert Message.objects.dead().get() == other


def test_all_dead_letters_are_discarded_at_once_and_nothing_else(editor):
    made = connected()
    for state in (Message.State.DEAD, Message.State.DEAD, Message.State.PROCESSED):
        deliver(made.integration, b"{}", state=state)

    answer = editor.post(
        reverse("source-dead-all", args=[made.integration.pk]), {"deed": "discard"}
    )

    assert texts(answer) == ["2 dead letters were discarded."]
    assert made.integration.messages.get().state == Message.State.PROCESSED


def test_a_source_whose_newest_delivery_could_not_be_read_is_failing(editor):
    made = connected()
    now = timezone.now()
    deliver(made.integration, b"{}", state=Message.State.PROCESSED, received_at=now)
    deliver(made.integration, b"{", state=Message.State.DEAD, received_at=now)

    [pulse] = editor.get(reverse("sources")).context["pulses"]

    assert pulse.state == "failing"
    assert "Failing" in editor.get(reverse("sources")).content.decode()
