"""The pages and the API of the sources that are asked in place."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from aiops_site import key_rotation
from telemetry import credentials, own_metrics, own_records
from telemetry.credentials import decrypt
from telemetry.data_sources import secrets_of
from telemetry.models import DataSource
from tests.site import world
from tests.site.pages import browser, texts
from tests.telemetry.sources.recorded import Recorded, Reply, serving

pytestmark = pytest.mark.django_db
LOKI = {"kind": "loki", "name": "loki-eu", "tenant": "shop", "password": "canary-1"}


@pytest.fixture
def editor() -> Client:
    return browser("edith", "viewer", "editor")


@pytest.fixture
def loki(settings: Any) -> Iterator[Recorded]:
    """Something that answers as Loki does, at an address that an administrator opened."""
    with serving() as server:
        settings.OUTBOUND_ALLOW = "127.0.0.1/32"
        server.give_recorded("/loki/api/v1/labels", "loki/labels.json")
        server.give_recorded("/loki/api/v1/status/buildinfo", "loki/buildinfo.json")
        server.give_recorded("/loki/api/v1/query_range", "loki/streams.json")
        yield server


@pytest.fixture(autouse=True)
def own_key() -> Iterator[None]:
    yield
    credentials._fernet.cache_clear()


@pytest.fixture(autouse=True)
def own_telemetry(settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.TELEMETRY_URL = f"sqlite:///{tmp_path}/telemetry.sqlite3"
    yield
    own_metrics.store().close()
    own_records.logs().close()
    own_records.spans().close()


def made(**facts: Any) -> DataSource:
    fields = {"name": "prom", "kind": "prometheus", "url": "http://127.0.0.1:9", **facts}
    return DataSource.objects.create(**fields)


def page(client: Client, name: str, *args: Any, **params: Any) -> str:
    return client.get(reverse(name, args=args), params).content.decode()


def test_the_console_s_own_store_is_always_there(editor):
    said = page(editor, "asked-sources")

    assert "builtin" in said
    assert "always there" in said


def test_a_source_is_saved_tried_and_its_secret_never_shown(editor, loki):
    sent = {**LOKI, "url": f"{loki.url}/"}

    response = editor.post(reverse("asked-source-new"), sent)

    source = DataSource.objects.get()
    assert response.status_code == 302
    assert texts(response) == ["loki-eu is saved, and answers: Loki 3.0.0."]
    assert (source.url, source.options) == (loki.url, {"tenant": "shop"})
    assert secrets_of(source) == {"password": "canary-1"}
    assert "canary-1" not in source.secret
    assert loki.asked[0].headers["authorization"] == "Bearer canary-1"
    assert loki.asked[0].headers["x-scope-orgid"] == "shop"
    for name in ("asked-source", "asked-source-edit"):
        assert "canary-1" not in page(editor, name, source.pk)
    assert "•••• set" in page(editor, "asked-source", source.pk)


def test_a_source_that_fails_is_saved_all_the_same_and_says_why(editor):
    sent = {**LOKI, "url": "http://127.0.0.1:9"}

    response = editor.post(reverse("asked-source-new"), sent)

    (said,) = texts(response)
    assert "is saved, and fails: 127.0.0.1:9 is refused: a forbidden target" in said
    assert "Failing" in page(editor, "asked-sources")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("name", "not a slug", "valid"),
        ("name", "builtin", "own store"),
        ("url", "ftp://x/", "http://"),
        ("url", "http://me:pw@x/", "credentials"),
        ("url", "http://x/?a=b", "? or #"),
        ("url", "javascript:alert(1)", "http://"),
        ("tenant", "a\r\nX-Evil: 1", "one line"),
        ("name", "n" * 61, "at most 60"),
        ("tenant", "x" * 5000, "at most 4000"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(editor, field, value, words):
    sent = {**LOKI, "url": "http://loki:3100", field: value}

    response = editor.post(reverse("asked-source-new"), sent)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not DataSource.objects.exists()


def test_a_name_without_a_dot_is_an_address(editor):
    sent = {**LOKI, "kind": "prometheus", "url": "http://prometheus.invalid:9090"}
    editor.post(reverse("asked-source-new"), sent)
    sent = {"name": "loki-eu", "url": "http://prometheus:9090", "username": "", "tenant": ""}

    response = editor.post(reverse("asked-source-edit", args=[DataSource.objects.get().pk]), sent)

    assert response.status_code == 302
    assert DataSource.objects.get().url == "http://prometheus:9090"


def test_a_kept_secret_stays_and_is_forgotten_only_when_asked(editor, loki):
    editor.post(reverse("asked-source-new"), {**LOKI, "url": loki.url})
    source = DataSource.objects.get()
    address = reverse("asked-source-edit", args=[source.pk])

    editor.post(address, {"name": "loki-us", "url": f"{loki.url}/prefix", "tenant": "other"})
    kept = DataSource.objects.get()
    editor.post(address, {"name": "loki-us", "url": loki.url, "forget-password": "on"})

    assert secrets_of(kept) == {"password": "canary-1"}
    assert kept.options == {"tenant": "other"}
    assert DataSource.objects.get().secret == ""


def test_a_secret_does_not_follow_to_another_server(editor, loki):
    editor.post(reverse("asked-source-new"), {**LOKI, "url": loki.url})
    source = DataSource.objects.get()

    sent = {"name": "loki-eu", "url": "http://elsewhere.example:3100", "tenant": ""}
    editor.post(reverse("asked-source-edit", args=[source.pk]), sent)

    assert DataSource.objects.get().secret == ""


def test_a_connection_test_says_where_it_leads_and_what_answers(editor, loki):
    source = made(kind="loki", url=loki.url)

    said = editor.post(reverse("asked-source-test", args=[source.pk])).content.decode()

    assert "Loki 3.0.0, in" in said
    assert "127.0.0.1 (opened here)" in said
    source.refresh_from_db()
    assert source.answered_at is not None


def test_a_connection_test_names_the_way_out(editor):
    source = made()

    said = editor.post(
        reverse("asked-source-test", args=[source.pk]), headers={"HX-Request": "true"}
    ).content.decode()

    assert "<html" not in said
    assert "is refused: a forbidden target" in said
    assert "AIOPS_OUTBOUND_ALLOW" in said
    assert "nothing that may be reached" in said


def test_wrong_credentials_are_told_apart(editor, loki):
    loki.give("/loki/api/v1/labels", Reply(b"no org id", 401))
    source = made(kind="loki", url=loki.url)

    said = editor.post(reverse("asked-source-test", args=[source.pk])).content.decode()

    assert "It does not accept the credentials (401)." in said
    assert "Check the credentials" in said
    assert "no org id" not in said


def test_a_question_is_answered_as_a_table_without_markup_of_the_answer(editor, loki):
    source = made(kind="loki", url=loki.url)

    said = page(
        editor, "asked-source-question", source.pk, about="logs", query="refused", minutes=15
    )

    assert "connection refused" in said
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in said
    assert "<script>alert(1)" not in said


def test_a_question_that_fails_says_so_on_the_page(editor):
    source = made()

    said = page(editor, "asked-source-question", source.pk, about="metrics", query="up", minutes=15)

    assert "is refused" in said


@pytest.mark.parametrize(
    "asked",
    [
        {"about": "metrics", "minutes": "15"},
        {"about": "logs", "query": "x", "minutes": "15"},
        {"about": "services", "minutes": "99999"},
        {},
    ],
)
def test_a_question_that_is_none_is_refused(editor, asked):
    source = made()

    response = editor.get(reverse("asked-source-question", args=[source.pk]), asked)

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()


def test_a_paused_source_is_not_asked(editor, loki):
    source = made(kind="loki", url=loki.url)

    editor.post(reverse("asked-source-switch", args=[source.pk]), {"to": "off"})
    said = page(editor, "asked-source-question", source.pk, about="logs", query="x", minutes=15)

    assert "is paused" in said
    assert loki.asked == []
    assert "Resume" in said


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({}, "Late"),
        ({"answered_at": 60}, "Answering"),
        ({"answered_at": 60, "failed_at": 30}, "Failing"),
        ({"answered_at": 400}, "Late"),
        ({"answered_at": 60, "is_enabled": False}, "Paused"),
    ],
)
def test_how_it_is_follows_from_what_it_told_last(editor, told, word):
    now = timezone.now()
    ago = {
        name: now - timedelta(seconds=value) if name.endswith("_at") else value
        for name, value in told.items()
    }
    source = made(**ago)

    assert word in page(editor, "asked-source", source.pk)


def test_a_kind_that_is_no_longer_there_breaks_no_page(editor):
    source = made(kind="influx")

    assert "influx" in page(editor, "asked-sources")
    assert editor.get(reverse("asked-source", args=[source.pk])).status_code == 200
    said = editor.post(reverse("asked-source-test", args=[source.pk])).content.decode()
    assert "no kind of source named influx" in said


def test_secrets_of_another_key_are_said_to_be_unreadable(editor):
    source = made(secret="gAAAAAnonsense")

    said = editor.post(reverse("asked-source-test", args=[source.pk])).content.decode()

    assert "set them anew" in said
    assert editor.get(reverse("asked-source-edit", args=[source.pk])).status_code == 200


def test_a_source_is_deleted_with_its_credentials(editor):
    source = made()

    response = editor.post(reverse("asked-source-delete", args=[source.pk]))

    assert response.status_code == 302
    assert not DataSource.objects.exists()


def test_a_viewer_sees_no_way_to_change_anything():
    viewer = browser("vera", "viewer")
    source = made()

    said = page(viewer, "asked-source", source.pk)

    assert "Test connection" not in said
    assert "Delete" not in said
    assert "Try a question" in said


@pytest.fixture
def program() -> APIClient:
    return world.program("editor")


def body(**facts: Any) -> dict[str, Any]:
    return {
        "name": "dog",
        "kind": "datadog",
        "url": "https://api.datadoghq.eu",
        "secrets": {"api_key": "canary-a", "application_key": "canary-b"},
        **facts,
    }


def test_over_the_api_a_source_is_made_changed_and_deleted(program):
    answer = program.post("/api/v1/sources/", body(), format="json")
    pk = answer.json()["id"]
    changed = program.patch(f"/api/v1/sources/{pk}/", {"is_enabled": False}, format="json")

    assert answer.status_code == 201, answer.content
    assert answer.json()["secrets_set"] == ["api_key", "application_key"]
    assert answer.json()["abilities"] == ["logs", "metrics", "traces"]
    assert answer.json()["state"] == "late"
    assert changed.json()["state"] == "paused"
    assert "canary" not in f"{answer.content!r}{changed.content!r}"
    kept = orjson.loads(decrypt(DataSource.objects.get().secret))
    assert kept == {"api_key": "canary-a", "application_key": "canary-b"}
    assert program.delete(f"/api/v1/sources/{pk}/").status_code == 204


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"kind": "influx"}, 400),
        ({"url": "ftp://x"}, 400),
        ({"url": "http://x/#y"}, 400),
        ({"secrets": {}}, 400),
        ({"secrets": {"password": "x"}}, 400),
        ({"secrets": {"api_key": 1, "application_key": "x"}}, 400),
        ({"options": {"tenant": "x"}}, 400),
        ({"options": "x"}, 400),
        ({"name": "builtin"}, 400),
        ({"name": "a\0b"}, 400),
        ({"url": "http://x/\0"}, 400),
        ({"nothing": 1}, 400),
    ],
)
def test_over_the_api_what_cannot_be_meant_is_refused(program, facts, code):
    answer = program.post("/api/v1/sources/", body(**facts), format="json")

    assert answer.status_code == code, answer.content
    assert "canary" not in answer.content.decode()


def test_over_the_api_a_name_is_there_once(program):
    program.post("/api/v1/sources/", body(), format="json")

    assert program.post("/api/v1/sources/", body(), format="json").status_code == 409


def test_over_the_api_required_secrets_do_not_follow_to_another_server(program):
    pk = program.post("/api/v1/sources/", body(), format="json").json()["id"]

    moved = program.patch(f"/api/v1/sources/{pk}/", {"url": "https://evil.example"}, format="json")

    assert moved.status_code == 400
    assert DataSource.objects.get().url == "https://api.datadoghq.eu"


def test_over_the_api_a_test_says_what_is_wrong(program):
    source = made()

    answer = program.post(f"/api/v1/sources/{source.pk}/test/").json()

    assert answer["is_answering"] is False
    assert "is refused" in answer["problem"]
    assert answer["addresses"] == []


def test_a_new_secret_key_takes_the_secrets_along(editor, loki, settings):
    editor.post(reverse("asked-source-new"), {**LOKI, "url": loki.url})
    before = DataSource.objects.get().secret
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    credentials._fernet.cache_clear()

    found = key_rotation.secrets(renewing=True)

    settings.SECRET_KEY_FALLBACKS = []
    credentials._fernet.cache_clear()
    renewed = DataSource.objects.get()
    assert (found.total, found.old, found.lost) == (1, 1, [])
    assert renewed.secret != before
    assert secrets_of(renewed) == {"password": "canary-1"}
