"""First steps, the sample estate while it does not run, one's profile, the admin, robots."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from aiops_site import first_steps, sample_estate
from aiops_site.estate.layout import SERVICES, Fault
from aiops_site.models import ApiToken
from aiops_site.people import make_administrator
from aiops_site.views.estate import EXPLANATIONS
from incidents import intake
from incidents.models import CorrelationRule, Integration
from telemetry.credentials import hash_token
from telemetry.models import Series, Service
from tests.site import world
from tests.site.pages import PASSWORD, browser, connected, deliver, person, texts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _not_remembered():
    """How far the first steps are is read once a minute."""
    cache.clear()


@pytest.fixture
def editor():
    return browser("edith", "viewer", "editor")


@pytest.fixture
def root():
    client = Client()
    client.force_login(make_administrator(person("root")))
    return client


def test_first_steps_are_told_from_the_data_and_not_from_clicks(editor):
    before = editor.get(reverse("welcome")).context["done"]
    deliver(connected().integration, b'{"title":"Disk full","service":"store"}')
    intake.drain()
    person("second", "viewer")

    after = editor.get(reverse("welcome")).context["done"]

    assert not any(before[step] for step in ("source", "services", "people"))
    assert all(after[step] for step in ("source", "services", "people"))
    assert not after["estate"]


def test_a_running_estate_is_broken_only_once_it_raised_an_alert(editor, monkeypatch):
    monkeypatch.setattr(first_steps, "_estate_runs", lambda: True)
    estate = connected(name=sample_estate.ALERTS).integration
    before = first_steps.read_steps()
    deliver(estate, b'{"title":"Disk full","service":"store"}')
    intake.drain()

    after = first_steps.read_steps()

    assert before.estate_runs
    assert (before.done["estate"], after.done["estate"]) == (False, True)


def test_services_and_series_of_the_sample_estate_are_not_the_operators_own(editor):
    for described in SERVICES:
        service = sample_estate._service(described)
        Series.objects.create(service=service, name="requests", key=described.name)
    Service.objects.create(slug="load")
    before = first_steps.read_steps()
    Series.objects.create(service=Service.objects.create(slug="shop"), name="requests", key="k")

    after = first_steps.read_steps()

    assert (before.done["services"], before.done["metrics"]) == (False, False)
    assert (after.done["services"], after.done["metrics"]) == (True, True)
    assert ([each.slug for each in after.services], after.series_count) == (["shop"], 1)


def test_published_runbooks_are_a_suggestion_and_not_a_step_done(editor):
    page = editor.get(reverse("welcome"))

    assert "runbooks" not in page.context["done"]
    assert '<span class="note spread">suggestion</span>' in page.text


def test_the_first_source_of_a_product_is_called_like_it(editor):
    first = editor.get(reverse("welcome"), {"provider": "grafana"}).context["name"]
    connected(name="grafana")

    assert first == "grafana"
    assert editor.get(reverse("welcome"), {"provider": "grafana"}).context["name"] == "grafana-2"


def test_the_first_step_shows_what_arrived_and_where_it_went(editor):
    deliver(connected().integration, b'{"title":"Disk full","service":"store"}')
    intake.drain()

    page = editor.get(reverse("welcome")).content.decode()

    assert "Disk full" in page
    assert "open it" in page


def test_the_consoles_own_and_sample_sources_do_not_count_as_connected(editor):
    deliver(connected(name="Sample estate alerts").integration, b'{"title":"Disk full"}')
    intake.drain()

    assert not editor.get(reverse("welcome")).context["done"]["source"]


def test_every_page_reminds_of_the_first_steps_until_they_are_dismissed(editor):
    before = editor.get(reverse("profile")).content.decode()
    editor.post(reverse("welcome-dismiss"))
    editor.post(reverse("welcome-dismiss"))

    after = editor.get(reverse("profile")).content.decode()

    assert "top-steps" in before
    assert "top-steps" not in after
    assert 'data-testid="dismiss"' not in editor.get(reverse("welcome")).content.decode()


def test_one_person_dismisses_the_first_steps_for_nobody_else(editor):
    editor.post(reverse("welcome-dismiss"))

    assert "top-steps" in browser("other", "viewer").get(reverse("profile")).content.decode()


def test_the_reminder_ends_by_itself_when_everything_is_done(editor, monkeypatch):
    monkeypatch.setattr(first_steps, "_progress", lambda: (5, 5))

    assert "top-steps" not in editor.get(reverse("profile")).content.decode()


def test_who_may_not_see_sources_is_not_sent_to_connect_one():
    assert "top-steps" not in browser("nobody").get(reverse("profile")).content.decode()


def test_every_product_has_a_tab(editor):
    page = editor.get(reverse("welcome"), {"provider": "pagerduty"}).content.decode()

    assert "Connect PagerDuty Events" in page


def test_an_estate_that_does_not_run_says_how_to_start_it(editor):
    page = editor.get(reverse("estate")).content.decode()

    assert "ESTATE=sample" in page


def test_breaking_an_estate_that_does_not_run_is_a_message(editor):
    responder = browser("rita", "viewer", "responder")

    broken = responder.post(reverse("estate-fault"), {"service": "store", "kind": "crash"})
    mended = responder.post(reverse("estate-clear"))

    assert texts(broken) == ["The sample estate is not running."]
    assert texts(mended)[-1] == "The sample estate is not running."
    assert editor.post(reverse("estate-fault")).status_code == 403


def test_every_fault_is_explained():
    assert set(EXPLANATIONS) == set(Fault)


def test_an_own_token_is_shown_once_and_can_be_revoked():
    mine = browser("mia", "viewer")

    made = mine.post(reverse("token-new"), {"name": "script"})
    twice = mine.post(reverse("token-new"), {"name": "script"})

    token = ApiToken.objects.get()
    assert token.token_hash == hash_token(made.context["new_token"])
    assert twice.status_code == 422
    mine.post(reverse("token-revoke", args=[token.pk]))
    assert not ApiToken.objects.exists()


def test_nobody_revokes_the_token_of_another():
    token = ApiToken.objects.create(owner=person("owner"), name="theirs", token_hash="x")

    answer = browser("mia", "viewer").post(reverse("token-revoke", args=[token.pk]))

    assert answer.status_code == 404
    assert ApiToken.objects.exists()


def test_a_password_is_changed_only_by_who_knows_the_old_one():
    owner = person("mia", "viewer")
    owner.set_password(PASSWORD)
    owner.save()
    mine = Client()
    mine.force_login(owner)
    new = {"new_password1": "other-horse-78", "new_password2": "other-horse-78"}

    refused = mine.post(reverse("password_change"), {"old_password": "wrong", **new})
    changed = mine.post(reverse("password_change"), {"old_password": PASSWORD, **new})

    assert refused.status_code == 422
    assert changed.status_code == 302
    assert User.objects.get(username="mia").check_password("other-horse-78")
    assert mine.get(reverse("profile")).status_code == 200


def test_asking_for_the_password_form_leads_to_the_profile():
    answer = browser("mia").get(reverse("password_change"))

    assert answer["Location"].endswith("#password")


def test_search_engines_are_told_to_stay_away():
    answer = Client().get("/robots.txt")

    assert answer.content == b"User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize(
    "model",
    [
        *("incidents_integration", "incidents_correlationrule", "incidents_knowledgearticle"),
        *("incidents_knownfix", "telemetry_service", "telemetry_watch", "aiops_site_apitoken"),
    ],
)
def test_the_admin_lists_and_searches(root, model):
    connected()
    Service.objects.create(slug="store")

    assert root.get(reverse(f"admin:{model}_changelist"), {"q": "shop"}).status_code == 200


def test_the_admin_refuses_a_rule_whose_matchers_cannot_be_read(root):
    rule = {"name": "new", "position": 1, "window_seconds": 60, "group_by": '["service"]'}
    url = reverse("admin:incidents_correlationrule_add")

    refused = [
        root.post(url, {**rule, "matchers": '["env=~("]'}),
        root.post(url, {**rule, "matchers": '{"env": 1}'}),
        root.post(url, {**rule, "matchers": "[]", "group_by": "[]"}),
    ]
    taken = root.post(url, {**rule, "matchers": '["env=prod"]'})

    assert [answer.status_code for answer in refused] == [200, 200, 200]
    assert taken.status_code == 302
    assert CorrelationRule.objects.get().matchers == ["env=prod"]


def test_the_admin_never_shows_a_token_but_rotates_one_on_a_page_of_its_own(root):
    made = connected()
    url = reverse("admin:incidents_integration_changelist")

    answer = root.post(url, {"action": "rotate_token", "_selected_action": made.integration.pk})

    token = answer.context["token"]
    page = reverse("admin:incidents_integration_change", args=[made.integration.pk])
    shown = root.get(page).content.decode()
    assert Integration.objects.get().token_hash == hash_token(token)
    assert token not in shown
    assert hash_token(token) not in shown
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_admin_adds_an_integration_where_its_token_can_be_shown(root):
    answer = root.get(reverse("admin:incidents_integration_add"))

    assert answer["Location"] == reverse("source-new")


def test_the_keys_of_a_list_are_shown_as_keycaps_and_named_by_their_deed(editor):
    world.incident()

    page = editor.get(reverse("incidents")).text

    assert '<kbd data-key-shown aria-hidden="true">j</kbd>Next</button>' in page
    assert 'data-list-next data-key="j" data-key-label="Next"' in page
