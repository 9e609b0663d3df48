from unittest.mock import patch

import pytest

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import load
from aiops_site.dashboards.keeping import ChangedMeanwhile
from aiops_site.models import Dashboard
from tests.dashboards.boards import made, rate, shop
from tests.site.pages import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return person("owner", "editor")


def titled(title):
    return load({"title": title})


def test_saving_the_same_again_makes_no_version(owner):
    board = made(shop(rate()), owner)

    same = keeping.save(board, keeping.document_of(board), based_on=1, by=owner)

    assert same.version == 1
    assert board.versions.count() == 1


def test_a_save_on_top_of_another_is_refused_and_changes_nothing(owner):
    board = made(titled("First"), owner)
    keeping.save(board, titled("Second"), based_on=1, by=owner)

    with pytest.raises(ChangedMeanwhile) as refused:
        keeping.save(board, titled("Third"), based_on=1, by=owner)

    assert refused.value.version == 2
    assert Dashboard.objects.get().title == "Second"


def test_the_oldest_versions_go_when_there_are_too_many(owner, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_VERSIONS", 3)
    board = made(titled("0"), owner)
    for number in range(1, 6):
        board = keeping.save(board, titled(str(number)), based_on=number, by=owner)

    assert [each.number for each in board.versions.all()] == [6, 5, 4]


def test_titles_may_be_equal_or_have_no_letter_that_an_address_could_have(owner):
    slugs = [made(titled(title), owner).slug for title in ("Shop", "shop", "Import", "数据", "!")]

    assert slugs == ["shop", "shop-2", "import-2", "dashboard", "dashboard-2"]


def test_who_loses_the_race_for_an_address_gets_another(owner):
    made(titled("Shop"), owner)

    with patch.object(keeping, "_free_slug", side_effect=["shop", "shop", "shop-2"]):
        second = made(titled("Shop"), owner)

    assert second.slug == "shop-2"


def test_what_is_shared_outlives_its_owner(owner):
    board = made(titled("Shared"), owner, is_shared=True)
    other = person("other", "viewer")

    owner.delete()

    assert list(Dashboard.objects.visible_to(other)) == [board]
