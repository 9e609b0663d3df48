import pytest

from aiops_site.dashboards import arranging
from aiops_site.dashboards.document import NotADashboard, load


@pytest.fixture
def three():
    return load(
        {
            "title": "Shop",
            "panels": [
                {"type": "markdown", "id": number, "title": name}
                for number, name in ((1, "a"), (2, "b"), (3, "c"))
            ],
        }
    )


def order(document):
    return "".join(panel.title for panel in document.panels)


def test_a_panel_moves_and_stops_at_the_ends(three):
    assert order(arranging.earlier(three, 2)) == "bac"
    assert order(arranging.later(three, 2)) == "acb"
    assert order(arranging.earlier(three, 1)) == "abc"
    assert order(arranging.later(three, 3)) == "abc"


def test_a_panel_dropped_onto_another_takes_its_place(three):
    assert order(arranging.before(three, 1, 3)) == "bca"
    assert order(arranging.before(three, 3, 1)) == "cab"
    assert order(arranging.before(three, 2, 2)) == "abc"


def test_sizes_stay_within_the_grid(three):
    document = three
    for _ in range(20):
        document = arranging.taller(arranging.wider(document, 1), 1)
    assert (document.panels[0].width, document.panels[0].height) == (12, 10)
    for _ in range(20):
        document = arranging.shorter(arranging.narrower(document, 1), 1)
    assert (document.panels[0].width, document.panels[0].height) == (1, 1)


def test_a_copy_stands_behind_with_an_id_of_its_own(three):
    copied = arranging.copied(three, 1)

    assert order(copied) == "aabc"
    assert [panel.id for panel in copied.panels] == [1, 4, 2, 3]


def test_there_is_room_for_24_and_no_more(three):
    document = three
    while len(document.panels) < 24:
        document = arranging.copied(document, 1)

    with pytest.raises(NotADashboard, match="24"):
        arranging.copied(document, 1)
    with pytest.raises(NotADashboard, match="24"):
        arranging.put(document, three.panels[0].model_copy(update={"id": 0}))
    assert len(arranging.removed(document, 1).panels) == 23


def test_a_panel_that_is_not_there_cannot_be_moved(three):
    with pytest.raises(NotADashboard, match="no panel 9"):
        arranging.earlier(three, 9)
