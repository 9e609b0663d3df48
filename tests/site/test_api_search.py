"""The search language, as conditions on real rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from incidents import lifecycle, search
from incidents.models import Alert, Incident, Severity
from incidents.query import QuerySyntaxError
from incidents.search_languages import ALERTS, INCIDENTS
from tests.site import world

pytestmark = pytest.mark.django_db
INJECTIONS = (
    "' OR 1=1 --",
    "'; DROP TABLE incidents_incident; --",
    "1) UNION SELECT password FROM auth_user --",
    "%' AND sleep(5) --",
    "\\' OR ''='",
    "{{7*7}}",
)


def found(text: str, by: User | None = None) -> set[int]:
    asked = search.read(text, INCIDENTS, by=by or world.person("viewer"), at=timezone.now())
    return set(Incident.objects.filter(asked.where).values_list("number", flat=True))


def alerts_found(text: str) -> set[int]:
    asked = search.read(text, ALERTS, by=world.person("viewer"), at=timezone.now())
    return set(Alert.objects.filter(asked.where).values_list("pk", flat=True))


@pytest.fixture
def pair() -> tuple[Incident, Incident]:
    """A high one on checkout with an alert, acknowledged; a low one on payments, resolved."""
    first = world.incident("checkout", severity=Severity.HIGH)
    world.alert(first, labels={"env": "prod", "team.name": "a"}, name="HighLatency")
    lifecycle.acknowledge(first.number, by=world.person("responder"))
    second = world.incident("payments", severity=Severity.LOW)
    lifecycle.transition(second.number, to="resolved", actor="test")
    return first, second


@pytest.mark.parametrize(
    "text",
    [
        "is:acked",
        "is:active",
        "is:investigating",
        "-is:resolved",
        "is:!resolved",
        "severity:high",
        "severity:>low",
        "severity:[high,critical]",
        "service:checkout",
        "service:!payments",
        "service:~heck",
        "owner:responder",
        "-owner:none",
        "alertname:HighLatency",
        "label.env:prod",
        "env:prod",
        'label.team.name:"a"',
        "label:env",
        "alerts:>0",
        "alerts:1..5",
        "id:INC-{first}",
        '"checkout is"',
        "checkout OR nothing",
        "(checkout severity:high) OR severity:info",
        "has:comment OR severity:high",
        "duration:>0s is:active",
    ],
)
def test_a_search_finds_the_one_it_means(pair: tuple[Incident, Incident], text: str) -> None:
    first, _ = pair

    assert found(text.replace("{first}", str(first.number))) == {first.number}


def test_mine_is_the_searcher_s_own(pair: tuple[Incident, Incident]) -> None:
    first, _ = pair

    assert found("is:mine", by=world.person("responder")) == {first.number}
    assert found("owner:me", by=world.person("viewer")) == set()


def test_a_day_is_whole_and_a_range_includes_its_last(pair: tuple[Incident, Incident]) -> None:
    now = timezone.now()
    day, before = f"{now:%Y-%m-%d}", f"{now - timedelta(days=2):%Y-%m-%d}"

    assert len(found(f"opened:{day}")) == len(found(f"opened:{before}..{day}")) == 2
    assert found(f"opened:>{day}") == found(f"opened:<{day}") == set()
    assert len(found("opened:>-2h")) == len(found(f"opened:>={day}")) == 2
    assert found("opened:<-2h") == set()


def test_alerts_speak_their_own_words() -> None:
    first = world.alert(world.incident(), event_count=7)
    second = world.alert(name="Other", status="resolved", labels={})

    assert alerts_found("is:firing events:>5 label.env:prod") == {first.pk}
    assert alerts_found(f"incident:{first.incident_id}") == {first.pk}
    assert alerts_found("is:orphaned -label:env") == {second.pk}
    assert alerts_found("label.env:!prod OR is:resolved") == {second.pk}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("severity:hihg", 9),
        ("checkout sevrity:high", 9),
        ("opened:yesterday", 0),
        ("x duration:30m", 2),
        ("alerts:many", 0),
        ("alerts:99999999999999999999999", 0),
        ("opened:>-99z", 0),
        ("opened:2026-13-45", 0),
        ("opened:0001-01-01T00:00:00+14:00", 0),
        ("opened:9999-12-31", 0),
        ("sort:cause", 5),
        ("severity:~hi", 0),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, position: int) -> None:
    with pytest.raises(QuerySyntaxError) as refused:
        found(text)

    assert refused.value.position == position


def test_severity_sorts_the_worst_first() -> None:
    low, high = world.incident(severity=Severity.LOW), world.incident("b", severity=Severity.HIGH)

    ordering = search.read("sort:-severity", INCIDENTS, by=low.assignee, at=timezone.now()).ordering
    rows = Incident.objects.order_by(*ordering)

    assert [row.number for row in rows] == [high.number, low.number]


@pytest.mark.parametrize("words", INJECTIONS)
@pytest.mark.parametrize("form", ['"{}"', 'label.env:"{}"', 'service:~"{}"', 'title:"{}"'])
def test_no_word_of_a_search_reaches_the_sql(form: str, words: str) -> None:
    quoted = words.replace("\\", "\\\\").replace('"', '\\"')
    asked = search.read(
        form.format(quoted), INCIDENTS, by=world.person("viewer"), at=timezone.now()
    )

    sql, params = Incident.objects.filter(asked.where).query.sql_with_params()

    assert words not in sql
    assert any(words.replace("\\", "") in str(param).replace("\\", "") for param in params)
    assert list(Incident.objects.filter(asked.where)) == []


@pytest.mark.parametrize("key", ["a__contains", "a'b", "$.x", "0", "a-b", "1/2"])
def test_a_label_s_key_is_a_parameter_too(key: str) -> None:
    try:
        asked = search.read(f"label.{key}:x", ALERTS, by=world.person("viewer"), at=timezone.now())
    except QuerySyntaxError:
        return

    rows = Alert.objects.filter(asked.where)

    assert key not in rows.query.sql_with_params()[0] or key == "0"
    assert list(rows) == []


class TestAnyText(TestCase):
    @given(text=st.text(max_size=80))
    def test_any_text_is_searched_or_refused(self, text: str) -> None:
        for language, model in ((INCIDENTS, Incident), (ALERTS, Alert)):
            self.search(text, language, model)

    @given(
        name=st.sampled_from(sorted(INCIDENTS.fields)),
        sign=st.sampled_from(["", ">", "<=", "!", "~"]),
        value=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    )
    def test_any_value_of_any_field_is_searched_or_refused(
        self, name: str, sign: str, value: str
    ) -> None:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')

        self.search(f'{name}:{sign}"{quoted}"', INCIDENTS, Incident)

    def search(self, text: str, language: Any, model: Any) -> None:
        try:
            asked = search.read(text, language, by=User(username="u"), at=timezone.now())
        except QuerySyntaxError:
            return
        list(model.objects.filter(asked.where).order_by(*asked.ordering)[:5])
