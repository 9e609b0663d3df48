from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from incidents import search_suggestions
from incidents.views.language import read
from telemetry.models import Service
from tests.incidents.pages_world import alert, make_integration, make_person, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    Service.objects.create(slug="legacy-pay", owner="Billing")
    Service.objects.create(slug="payments", owner="Billing")
    receive(
        make_integration("main site"),
        alert("DiskFull", service="store", env="prod", **{"node pool": "a b"}),
        alert("HighErrorRate", service="payments", env="staging"),
    )


def options(page, text, **more):
    before, _, after = text.partition("|")
    response = page.get(reverse("incident-suggest"), {"before": before, "after": after, **more})
    return [] if response.status_code == 204 else list(response.context["options"])


def texts(page, text, **more):
    return [option.text for option in options(page, text, **more)]


def test_a_field_is_suggested_with_a_hint_of_its_values(page):
    (severity, service) = options(page, "is:open se")

    assert (severity.text, severity.insert) == ("severity", "severity:")
    assert severity.hint == "critical, high, medium, …"
    assert service.text == "service"


def test_a_blank_is_not_answered_unless_it_is_asked_for(page):
    assert texts(page, "is:open ") == []
    assert len(texts(page, "is:open ", all="1")) == 10


def test_values_of_a_known_vocabulary_come_from_the_language(page):
    assert texts(page, "severity:>=h") == ["high"]
    assert texts(page, "status:[open,inv") == ["investigating"]
    assert texts(page, "sort:-o") == ["opened"]


def test_a_value_that_begins_so_comes_before_one_that_has_it_further_on(page, world):
    assert texts(page, "service:pay") == ["payments", "legacy-pay"]


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("owner:", ["me", "none", "dana"]),
        ("team:bi", ["Billing"]),
        ("alertname:disk", ["DiskFull"]),
        ("env:", ["prod", "staging"]),
        ("label.env:st", ["staging"]),
        ("label.e", ["label.env", "label.alertname"]),
        ("opened:", [">-1h", ">-24h", ">-7d"]),
        ("opened:>", []),
        ("fingerprint:a", []),
        ("nonsense:a", []),
    ],
)
def test_other_values_are_the_ones_that_are_there(page, world, typed, suggested):
    assert texts(page, typed)[: len(suggested) or None] == suggested


def test_what_is_suggested_can_be_searched_for(page, world, dana):
    for typed in ("source:m", "severity:", "owner:", "opened:", "label.env:", "service:pay"):
        for option in options(page, typed):
            written = typed.partition(":")[0] + ":" + option.insert
            assert read(written, dana).where, written


def test_a_value_with_spaces_is_written_in_quotes(page, world):
    (option,) = options(page, "source:main")

    assert option.insert == '"main site" '


def test_at_most_ten_are_suggested_in_one_query(page):
    Service.objects.bulk_create(Service(slug=f"service-{n}") for n in range(30))

    with CaptureQueriesContext(connection) as asked:
        found = options(page, "service:s")

    assert len(found) == 10
    assert sum("telemetry_service" in query["sql"] for query in asked) == 1


def test_a_value_is_data_to_the_database_and_text_to_the_page(page, world):
    Service.objects.create(slug="x", owner='<img src=x onerror="y">')

    body = page.get(reverse("incident-suggest"), {"before": "team:<"}).content.decode()

    assert "<img" not in body
    assert escape('<img src=x onerror="y">') in body
    assert texts(page, "service:%' OR 1=1 --") == []


class Slow:
    """Rows that take any database many seconds to count."""

    def __iter__(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e8)"
                " SELECT 'never' FROM n WHERE i = 1e8"
            )
            yield from (value for (value,) in cursor)


def test_a_database_that_takes_too_long_suggests_nothing(page, world, monkeypatch):
    slowly = {"alertname": lambda _: search_suggestions._read(Slow())}
    monkeypatch.setattr(search_suggestions, "_SOURCES", search_suggestions._SOURCES | slowly)
    started_at = monotonic()

    found = texts(page, "alertname:")

    assert found == []
    assert monotonic() - started_at < 5
    assert texts(page, "service:p") != []


def test_a_search_that_is_too_long_is_not_looked_at(page):
    assert texts(page, "s" * 513) == []


def test_a_viewer_is_helped_too_and_a_stranger_is_not(client):
    url = reverse("incident-suggest")

    assert client.get(url, {"before": "se"}).status_code == 302
    client.force_login(make_person("vera", "viewer"))
    assert client.get(url, {"before": "se"}).status_code == 200
