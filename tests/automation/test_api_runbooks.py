import pytest
from rest_framework.test import APIClient

from automation.models import Runbook
from tests.automation.pages_world import a_person, publish_runbook

URL = "/api/v1/runbooks/restart/"


@pytest.fixture
def editor(db):
    publish_runbook()
    client = APIClient()
    client.force_login(a_person("edie", "editor")[0])
    return client


def test_owner_and_tags_are_read_and_set(editor):
    given = {"owner": "payments", "tags": ["database", "restart"]}

    changed = editor.patch(URL, given)

    assert changed.status_code == 200
    assert editor.get(URL).json().items() >= given.items()
    assert Runbook.objects.get().versions.count() == 1


@pytest.mark.parametrize(
    "tags", ["database", [1], ["Upper"], ["two words"], ["a", "a"], ["x" * 31], ["t"] * 11, [""]]
)
def test_what_is_no_list_of_tags_is_refused(editor, tags):
    response = editor.patch(URL, {"tags": tags})

    assert response.status_code == 400
    assert Runbook.objects.get().tags == []
