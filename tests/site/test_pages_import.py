import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from telemetry.models import Dependency, Service
from tests.site.pages import browser, texts

pytestmark = pytest.mark.django_db

CATALOG = "services:\n  - name: checkout\n    depends_on: [store]\n"


@pytest.fixture
def editor():
    return browser("edith", "viewer", "editor")


def post(client, **fields):
    return client.post(reverse("service-import"), fields)


def seen(page):
    return re.search(r'name="seen" value="(\w+)"', page.content.decode())[1]


def test_a_pasted_catalogue_is_shown_before_it_changes_anything(editor):
    page = post(editor, text=CATALOG)

    assert "checkout calls store" in page.content.decode()
    assert not Service.objects.exists()

    done = post(editor, text=CATALOG, seen=seen(page))

    assert done.status_code == 302
    assert texts(done) == ["Imported. Services added: 2, services changed: 0, calls kept: 1."]
    assert Dependency.objects.get().origin == "catalog"


def test_an_uploaded_backstage_file_is_read_and_what_does_not_run_is_told(editor):
    text = b"""apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web, description: <b>bold</b>}
spec: {owner: group:default/front, dependsOn: [resource:default/db]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: vera}
"""

    page = post(editor, file=SimpleUploadedFile("catalog.yaml", text)).content.decode()

    assert "owned by front" in page
    assert "web calls db" in page
    assert "User vera is nothing that runs" in page


def test_what_changed_since_it_was_looked_at_is_shown_anew(editor):
    page = post(editor, text=CATALOG)
    Service.objects.create(slug="store")

    late = post(editor, text=CATALOG, seen=seen(page))

    assert late.status_code == 409
    assert "have changed since you looked" in late.content.decode()
    assert Service.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "services: ["}, "This is not YAML"),
        ({"text": ""}, "The file is empty"),
        ({"file": SimpleUploadedFile("a.yaml", b"\xff\xfe")}, "not UTF-8"),
        ({"file": SimpleUploadedFile("a.yaml", b"x" * 300_000)}, "larger than 256 kB"),
        ({"text": "services:\n  - name: <script>x</script>\n    tier: 7"}, "tier"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_kept_for_mending(editor, fields, words):
    page = post(editor, **fields)

    assert page.status_code == 422
    assert words in page.content.decode()
    assert "<script>x" not in page.content.decode()


def test_a_viewer_may_not_import():
    viewer = browser("vera", "viewer")

    assert viewer.get(reverse("service-import")).status_code == 403
