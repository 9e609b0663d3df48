"""The map of services, its twin, what changed and where it is fragile."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import timezone

from telemetry.models import Dependency, Service, TopologyVersion
from tests.site.pages import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer():
    return browser("vera", "viewer")


def service(slug, **fields):
    return Service.objects.create(slug=slug, **fields)


def call(caller, callee, **measured):
    fields = {"origin": "observed", "seen_at": timezone.now(), "calls_per_minute": 120.0}
    fields |= {"error_share": 0.0, "p95_ms": 80.0} | measured
    return Dependency.objects.create(caller=caller, callee=callee, **fields)


def chain(*slugs):
    made = [service(slug) for slug in slugs]
    for caller, callee in pairwise(made):
        call(caller, callee)
    return made


def version(*rows, hours_ago=0):
    ended = timezone.now() - timedelta(hours=hours_ago)
    edges = [[a, "service", b, "service", calls, errors, 50.0, 0.9] for a, b, calls, errors in rows]
    return TopologyVersion.objects.create(
        began_at=ended - timedelta(minutes=5), ended_at=ended, edges=edges
    )


def drawn(page):
    """Slugs and pairs of the drawing."""
    text = page.content.decode()
    nodes = re.findall(r'data-node="([^"]+)"', text)
    return sorted(nodes), re.findall(r'data-from="([^"]+)" data-to="([^"]+)"', text)


def look(client, **asked):
    return client.get(reverse("map"), asked)


def test_without_services_the_map_says_how_it_comes_to_be(viewer):
    page = look(viewer)

    assert page.status_code == 200
    assert "The map draws itself" in page.content.decode()


def test_one_service_alone_is_drawn(viewer):
    service("lonely")

    assert drawn(look(viewer)) == (["lonely"], [])


def test_services_are_links_and_calls_say_how_many_in_the_drawing_and_in_the_table(viewer):
    web, _, store = chain("web", "shop", "store")
    Service.objects.filter(pk=store.pk).update(kind="database")
    call(web, store, error_share=0.2)

    page = look(viewer)

    text = page.content.decode()
    assert drawn(page)[0] == ["shop", "store", "web"]
    assert set(drawn(page)[1]) == {("web", "shop"), ("shop", "store"), ("web", "store")}
    assert f'href="{reverse("service", args=["shop"])}"' in text
    assert "web calls store: 120 calls a minute, 20 % fail, p95 80 ms" in text
    assert 'class="edge w3 bad"' in text
    assert "#db" in text
    assert 'store <span class="muted">120 calls a minute, 20 % fail, p95 80 ms</span>' in text


def test_a_cycle_is_drawn_with_an_arrow_back(viewer):
    web, shop = chain("web", "shop")
    call(shop, web)

    text = look(viewer).content.decode()

    assert text.count('class="edge w3 returns"') == 1
    assert len(drawn(look(viewer))[1]) == 2


def test_a_query_leaves_out_what_it_does_not_name(viewer):
    shop, store = chain("web", "shop", "store")[1:]
    Service.objects.filter(pk=store.pk).update(kind="database", tier=1, owner="data")
    Dependency.objects.filter(callee=shop).update(error_share=0.8)

    assert drawn(look(viewer, q="kind:database owner:data tier:1"))[0] == ["store"]
    assert drawn(look(viewer, q="health:down"))[0] == ["shop"]
    assert "No service matches" in look(viewer, q="nowhere").content.decode()


def test_around_a_service_only_what_is_near_is_drawn(viewer):
    chain("a", "b", "c", "d", "e")

    assert drawn(look(viewer, focus="c", depth="1"))[0] == ["b", "c", "d"]
    assert drawn(look(viewer, focus="C"))[0] == ["a", "b", "c", "d", "e"]
    assert 'class="ring"' in look(viewer, focus="c").content.decode()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"focus": "nowhere"}, "There is no service “nowhere”"),
        ({"depth": "9"}, "A depth is 1, 2, 3 or 4"),
        ({"q": "colour:red"}, "is not known here"),
        ({"q": "tier:9"}, "tier: is 1, 2, 3 or 4"),
        ({"group": "x"}, "by owner or not at all"),
        ({"at": "x"}, "A version is a number"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_page_stays(viewer, asked, words):
    service("web")

    page = look(viewer, **asked)
    state = viewer.get(reverse("map-state"), asked)

    assert (page.status_code, state.status_code) == (400, 400)
    assert words in page.content.decode()


def test_more_than_two_hundred_services_are_grouped_by_owner_and_opened_on_demand(viewer):
    made = Service.objects.bulk_create(
        Service(slug=f"s{number:03}", owner=f"team-{number % 3}" if number < 299 else "")
        for number in range(300)
    )
    for number in range(299):
        call(made[number], made[number + 1])

    page = look(viewer)
    opened = look(viewer, open="team-1")
    everything = look(viewer, group="none")

    assert drawn(page)[0] == ["group:no owner", "group:team-0", "group:team-1", "group:team-2"]
    assert ("group:team-0", "group:team-1") in drawn(page)[1]
    assert "100 services" in page.content.decode()
    assert f"{reverse('map')}?open=team-1" in page.content.decode()
    assert len(drawn(opened)[0]) == 103
    assert len(drawn(everything)[0]) == 300


def test_hostile_names_stay_text(viewer):
    hostile = [
        '<script>alert("x")</script>',
        "\" onload='x",
        "\u202egnp.exe",
        "n" * 100,
    ]
    made = [service(f"h{number}", name=name, owner=name) for number, name in enumerate(hostile)]
    for callee in made[1:]:
        call(made[0], callee)

    for page in (look(viewer), look(viewer, group="owner"), look(viewer, focus=hostile[0])):
        text = page.content.decode()
        assert page.status_code == 200
        assert "<script>alert" not in text
        assert "onload='x" not in text


def test_the_state_of_a_drawn_map_is_asked_for_and_says_when_something_came(viewer):
    chain("web", "shop")
    page = look(viewer)
    first = viewer.get(reverse("map-state")).json()

    call(service("new"), Service.objects.get(slug="shop"), error_share=0.9)
    second = viewer.get(reverse("map-state")).json()

    assert f'data-shape="{first["shape"]}"' in page.content.decode()
    assert first["states"]["shop"] == ["healthy", "healthy, p95 80 ms"]
    assert second["shape"] != first["shape"]
    assert second["states"]["shop"][0] == "degraded"


def test_the_map_of_another_time_shows_the_calls_of_then(viewer):
    chain("web", "shop")
    service("old")
    then = version(("web", "old", 50, 0), hours_ago=5)

    page = look(viewer, at=then.pk)

    assert drawn(page)[1] == [("web", "old")]
    assert "Calls as they were" in page.content.decode()
    assert look(viewer, at=then.pk + 1).status_code == 404


def test_two_moments_are_compared_in_words(viewer):
    before = version(("web", "shop", 100, 1), ("web", "old", 40, 0), hours_ago=2)
    after = version(("web", "shop", 300, 60), ("web", "new", 30, 3))

    page = viewer.get(reverse("map-changes"), {"from": before.pk, "to": after.pk})

    text = re.sub(r"<[^>]+>", "", page.content.decode())
    assert "web → new is called now: 30 calls, 10 % failed" in text
    assert "web → old is not called any more, before: 40 calls, 0 % failed" in text
    assert "calls 100 → 300, errors 1 % → 20 %" in text
    assert viewer.get(reverse("map-changes")).status_code == 200
    assert viewer.get(reverse("map-changes"), {"from": "x"}).status_code == 400


def test_without_versions_there_is_nothing_to_compare(viewer):
    assert "Nothing to compare yet" in viewer.get(reverse("map-changes")).content.decode()


def test_weak_points_name_what_everybody_needs_and_what_needs_itself(viewer):
    web, shop, store = chain("web", "shop", "store")
    api = service("api", tier=1)
    Service.objects.filter(pk=web.pk).update(tier=1)
    call(api, shop)
    call(store, shop)

    text = re.sub(r"<[^>]+>", " ", viewer.get(reverse("map-weak-points")).content.decode())

    assert re.search(r"shop\s+2 of 2", text)
    assert re.search(r"shop\s+,\s+store\s+need each other", text)


def test_a_map_asks_as_much_of_the_database_for_many_services_as_for_few(
    viewer, django_assert_max_num_queries
):
    chain(*(f"s{number}" for number in range(60)))

    with django_assert_max_num_queries(24):
        look(viewer)
