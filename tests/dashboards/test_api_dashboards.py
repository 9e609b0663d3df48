import pytest

from aiops_site.models import Dashboard
from tests.dashboards.boards import made, rate, shop
from tests.site import world

pytestmark = pytest.mark.django_db
URL = "/api/v1/dashboards/"
DOCUMENT = {"title": "Shop", "panels": [{"type": "markdown", "text": "# Hi"}]}


@pytest.fixture
def editor():
    return world.browser("editor")


def test_a_dashboard_is_made_read_changed_and_deleted(editor):
    created = editor.post(URL, {"document": DOCUMENT, "is_shared": True})
    url = f"{URL}{created.json()['slug']}/"
    renamed = {**created.json()["document"], "title": "The shop"}
    changed = editor.put(url, {"document": renamed, "version": 1, "reason": "clearer"})
    shown = editor.get(url).json()

    assert (created.status_code, changed.status_code) == (201, 200)
    assert (shown["title"], shown["version"], shown["owner"]) == ("The shop", 2, "editor")
    assert shown["document"]["panels"][0]["id"] == 1
    assert [row["title"] for row in editor.get(URL).json()["results"]] == ["The shop"]
    assert "document" not in editor.get(URL).json()["results"][0]
    assert editor.get(f"{url}export/").json() == shown["document"]
    assert editor.delete(url).status_code == 204
    assert not Dashboard.objects.exists()


def test_who_changes_an_old_version_is_told_of_the_newest(editor):
    slug = editor.post(URL, {"document": DOCUMENT}).json()["slug"]
    for title, code in (("First", 200), ("Second", 409)):
        document = {**DOCUMENT, "title": title}
        answer = editor.put(f"{URL}{slug}/", {"document": document, "version": 1})
        assert answer.status_code == code

    assert answer.json()["version"] == 2
    assert Dashboard.objects.get().title == "First"


def test_a_private_dashboard_is_its_owners_alone(editor):
    slug = editor.post(URL, {"document": DOCUMENT}).json()["slug"]
    admin, viewer = world.browser("admin"), world.program("viewer")
    hidden = [other.get(f"{URL}{slug}/").status_code for other in (admin, viewer)]
    changed = admin.put(f"{URL}{slug}/", {"document": DOCUMENT, "version": 1})

    shared = editor.patch(f"{URL}{slug}/", {"is_shared": True})

    assert (hidden, changed.status_code) == ([404, 404], 404)
    assert shared.json()["is_shared"] is True
    assert viewer.get(f"{URL}{slug}/").status_code == 200
    assert viewer.delete(f"{URL}{slug}/").status_code == 403
    assert viewer.post(URL, {"document": DOCUMENT}).status_code == 403


def test_only_its_owner_says_who_sees_a_dashboard(editor):
    theirs = made(shop(rate()), world.person("admin"), is_shared=True)

    refused = editor.patch(f"{URL}{theirs.slug}/", {"is_shared": False})

    assert refused.status_code == 403
    assert Dashboard.objects.get().is_shared


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x", "panels": [{"type": "metric", "queries": [{"expr": "sum("}]}]},
        {"title": "x", "colour": "red"},
        {"title": "x", "panels": [{}] * 30},
    ],
)
def test_what_is_no_dashboard_is_refused_with_its_problems(editor, wrong):
    answer = editor.post(URL, {"document": wrong})

    assert answer.status_code == 400
    assert answer.json()["problems"]


def test_an_import_says_what_it_leaves_out_and_keeps_nothing_on_trial(editor):
    panels = [
        {"type": "timeseries", "title": "Up", "targets": [{"expr": "up"}]},
        {"type": "heatmap", "title": "Heat", "targets": [{"expr": "up"}]},
    ]
    grafana = {"schemaVersion": 38, "title": "From Grafana", "panels": panels}

    tried = editor.post(f"{URL}import/", {"dashboard": grafana, "dry_run": True})
    kept = editor.post(f"{URL}import/", {"dashboard": grafana})
    again = editor.post(f"{URL}import/", {"dashboard": kept.json()["document"]})

    assert (tried.status_code, tried.json()["slug"]) == (200, None)
    assert (kept.status_code, kept.json()["slug"]) == (201, "from-grafana")
    assert [each["what"] for each in kept.json()["refused"]] == ["Heat (heatmap)"]
    assert again.json()["slug"] == "from-grafana-2"
    assert editor.post(f"{URL}import/", {"dashboard": {"schemaVersion": 3}}).status_code == 400


def test_the_documents_schema_is_there_to_be_read(editor):
    assert "panels" in editor.get(f"{URL}schema/").json()["properties"]
