import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from automation.models import Runbook, RunbookVersion
from automation.published import write_version
from tests.automation.pages_world import a_person, publish_runbook, text_of

ADD = "admin:automation_runbook_add"
CHANGE = "admin:automation_runbook_change"


@pytest.fixture
def editor(db):
    return a_person("edie", "editor")[1]


@pytest.fixture
def runbook(db):
    return publish_runbook()


def save(browser, runbook, text, *, latest=1, reason="Longer", **more):
    fields = {"text": text, "reason": reason, "latest": latest, "is_enabled": "on", **more}
    return browser.post(reverse(CHANGE, args=[runbook.pk]), fields)


def test_a_new_runbook_is_a_draft_until_it_is_published(editor):
    editor.post(reverse(ADD), {"text": text_of(), "reason": "First", "is_enabled": "on"})

    version = RunbookVersion.objects.get()
    assert (version.number, version.author.username, version.reason) == (1, "edie", "First")
    assert Runbook.objects.get().published is None


def test_saving_another_text_makes_a_version_and_leaves_the_published_one(editor, runbook):
    response = save(editor, runbook, text_of(seconds=90).replace("\n", "\r\n"))

    runbook.refresh_from_db()
    assert response.status_code == 302
    assert runbook.versions.first().text == text_of(seconds=90)
    assert runbook.published.number == 1
    assert "Longer" in LogEntry.objects.get().get_change_message()


def test_saving_and_publishing_at_once(editor, runbook):
    save(editor, runbook, text_of(seconds=90), _publish="yes")

    runbook.refresh_from_db()
    assert runbook.published.number == 2


def test_a_change_needs_a_reason(editor, runbook):
    response = save(editor, runbook, text_of(seconds=90), reason="")

    assert "Say why" in response.content.decode()
    assert runbook.versions.count() == 1


def test_the_same_text_needs_no_reason_and_makes_no_version(editor, runbook):
    response = save(editor, runbook, text_of(), reason="")

    assert response.status_code == 302
    assert runbook.versions.count() == 1


def test_what_is_wrong_is_said_with_a_link_to_its_line(editor, runbook):
    response = save(editor, runbook, text_of(risk="wild"))

    html = response.content.decode()
    assert 'data-line="4"' in html
    assert "line 4, risk: Input should be" in html
    assert 'data-bad="4"' in html
    assert runbook.versions.count() == 1


@pytest.mark.parametrize("text", ["- a", "a: [", "a: &x [*x, *x]", "\x00", "x" * 300_000])
def test_any_text_is_answered_with_what_is_wrong(editor, runbook, text):
    response = save(editor, runbook, text)

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()


def test_a_version_saved_meanwhile_is_shown_beside_what_was_typed(editor, runbook):
    write_version(text_of(seconds=75), author=None, reason="Somebody else")

    response = save(editor, runbook, text_of(seconds=90), latest=1)

    html = response.content.decode()
    assert "v2 was saved meanwhile" in html
    assert "timeout_seconds: 75" in html.split("<del>")[1].split("</del>")[0]
    assert "timeout_seconds: 90" in html.split("<ins>")[1].split("</ins>")[0]
    assert "Mine: what you typed" in html
    assert runbook.versions.count() == 2


def test_after_a_conflict_the_next_save_counts_from_what_was_shown(editor, runbook):
    write_version(text_of(seconds=75), author=None, reason="Somebody else")
    conflict = save(editor, runbook, text_of(seconds=90), latest=1)

    response = save(
        editor,
        runbook,
        text_of(seconds=90),
        latest=conflict.context["adminform"].form["latest"].value(),
    )

    assert response.status_code == 302
    assert runbook.versions.first().number == 3
    assert runbook.versions.first().text == text_of(seconds=90)


def test_a_runbook_keeps_its_name(editor, runbook):
    response = save(editor, runbook, text_of("another"))

    assert "The name stays restart" in response.content.decode()
    assert Runbook.objects.count() == 1


def test_a_name_is_taken_once(editor, runbook):
    response = editor.post(reverse(ADD), {"text": text_of(seconds=5), "reason": "First"})

    assert "There is a runbook restart already." in response.content.decode()
    assert runbook.versions.count() == 1


def test_an_older_version_is_published_again(editor, runbook):
    save(editor, runbook, text_of(seconds=90), _publish="yes")

    editor.post(reverse("admin:automation_runbook_publish", args=[runbook.pk, 1]))

    runbook.refresh_from_db()
    assert runbook.published.number == 1


def test_publishing_is_a_right_of_its_own(runbook):
    person, browser = a_person("vera", "viewer")
    person.is_staff = True
    person.save()
    person.user_permissions.add(Permission.objects.get(codename="change_runbook"))
    write_version(text_of(seconds=90), author=None, reason="Longer")

    html = browser.get(reverse(CHANGE, args=[runbook.pk])).content.decode()
    response = browser.post(reverse("admin:automation_runbook_publish", args=[runbook.pk, 2]))

    assert "Save and publish" not in html
    assert response.status_code == 403


def test_publishing_is_not_done_by_following_a_link(editor, runbook):
    url = reverse("admin:automation_runbook_publish", args=[runbook.pk, 1])

    assert editor.get(url).status_code == 405


def test_a_duplicate_begins_with_the_text_under_another_name(editor, runbook):
    html = editor.get(reverse(ADD), {"copy": runbook.pk}).content.decode()

    assert "name: restart-copy" in html


def test_a_duplicate_keeps_the_words_it_is_found_by(editor, runbook):
    Runbook.objects.update(owner="payments", tags=["restart", "database"])

    html = editor.get(reverse(ADD), {"copy": runbook.pk}).content.decode()

    assert 'value="payments"' in html
    assert 'value="restart, database"' in html


def test_owner_and_tags_are_no_part_of_a_version(editor, runbook):
    save(editor, runbook, text_of(), reason="", owner="payments", tags="Restart database, restart")

    runbook.refresh_from_db()
    assert (runbook.owner, runbook.tags) == ("payments", ["restart", "database"])
    assert runbook.versions.count() == 1


def test_what_is_no_tag_is_said_beside_the_field(editor, runbook):
    response = save(editor, runbook, text_of(), reason="", tags="under_score")

    assert "&#x27;under_score&#x27; is not a tag" in response.content.decode()
    runbook.refresh_from_db()
    assert runbook.tags == []


def test_several_are_published_by_the_list_action(editor, runbook):
    write_version(text_of(seconds=90), author=None, reason="Longer")
    url = reverse("admin:automation_runbook_changelist")

    editor.post(url, {"action": "publish_latest", "_selected_action": [runbook.pk]})

    runbook.refresh_from_db()
    assert runbook.published.number == 2


def test_a_reader_sees_the_text_but_no_field(runbook):
    person, browser = a_person("vera", "viewer")
    person.is_staff = True
    person.save()

    html = browser.get(reverse(CHANGE, args=[runbook.pk])).content.decode()

    assert "name: restart" in html
    assert "<textarea" not in html


def test_versions_are_never_changed(editor, runbook):
    version = runbook.versions.get()
    url = reverse("admin:automation_runbookversion_change", args=[version.pk])

    shown = editor.get(url)
    changed = editor.post(url, {"text": "other"})

    assert "name: restart" in shown.content.decode()
    assert changed.status_code == 403
