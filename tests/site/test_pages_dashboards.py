import json
import re
from unittest.mock import patch

import pytest
from django.urls import reverse

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import dump, load
from aiops_site.models import Dashboard
from aiops_site.setting_up import seed_dashboards
from telemetry import own_metrics
from telemetry.models import DataSource, Dependency, Service
from telemetry.store.database import Unavailable
from tests.dashboards.boards import made, measure, rate, shop
from tests.site.pages import browser, person, texts

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def measured():
    measure()


@pytest.fixture
def editor():
    return browser("edith", "viewer", "editor")


@pytest.fixture
def board(editor):
    panels = [
        rate(),
        {"type": "stat", "title": "All", "queries": [{"expr": "vector(7)"}], "unit": "s"},
        {"type": "markdown", "text": "# Hi <script>alert(1)</script> [x](javascript:alert(1))"},
        {"type": "incidents", "query": "is:active"},
        {"type": "topology"},
        {"type": "logs", "text": "refused", "least": "error"},
        {"type": "table", "queries": [{"expr": f"{'http_server_request_duration_seconds_count'}"}]},
    ]
    owner = person("owner", "viewer", "editor")
    return made(shop(*panels), owner, is_shared=True)


def panel(client, board, number, **query):
    address = reverse("dashboard-panel", args=[board.slug, number])
    return client.get(address, query, headers=HTMX)


def figure_in(response):
    found = re.search(r'data-figure="([^"]*)"', response.content.decode())
    return json.loads(found[1].replace("&quot;", '"').replace("&#x27;", "'"))


def draft(client, board, document, deed, **more):
    sent = {
        "document": dump(document).decode(),
        "version": board.version,
        "title": document.title,
        "time": document.time,
        "refresh_seconds": document.refresh_seconds,
        "deed": deed,
        **more,
    }
    return client.post(reverse("dashboard-draft", args=[board.slug]), sent, headers=HTMX)


def drawn(response):
    return response.context["draft"].document


def fields(**panel):
    usual = {"id": 0, "type": "stat", "title": "", "width": 6, "height": 2, "legend": "below"}
    return {f"panel-{name}": value for name, value in {**usual, **panel}.items()}


def test_the_list_is_searched_and_shows_what_one_may_see(editor, board):
    made(load({"title": "Somebody's own"}), person("other", "editor"))
    made(load({"title": "Mine"}), board.owner.__class__.objects.get(username="edith"))

    def titles(**query):
        return [each.title for each in editor.get(reverse("dashboards"), query).context["page"]]

    assert titles() == ["Mine", "Shop"]
    assert titles(q="shop") == ["Shop"]
    assert titles(show="mine") == ["Mine"]
    assert titles(show="shared") == ["Shop"]
    assert titles(show="starter") == []
    assert "No dashboard matches" in editor.get(reverse("dashboards"), {"q": "x"}).content.decode()


def test_the_starter_comes_once_and_not_again_after_others_are_there(editor):
    seed_dashboards()
    seed_dashboards()
    starter = Dashboard.objects.get()
    made(load({"title": "Mine"}), person("other", "editor"))
    starter.delete()
    seed_dashboards()

    assert (starter.is_starter, starter.is_shared) == (True, True)
    assert [each.title for each in Dashboard.objects.all()] == ["Mine"]


def test_the_page_carries_range_variables_and_pace_to_every_panel(measured, editor, board):
    query = {"from": "now-6h", "var-service": "store", "refresh": "30"}
    page = editor.get(reverse("dashboard", args=[board.slug]), query)
    text = page.content.decode()

    assert page.context["asked"].refresh_seconds == 30
    assert text.count("from=now-6h&amp;to=now&amp;var-service=store") >= 7
    assert "Rate of store" in text
    assert [choice.options for choice in page.context["choices"]] == [["checkout", "store"]]


def test_full_screen_refreshes_by_itself_and_has_no_controls(editor, board):
    page = editor.get(reverse("dashboard", args=[board.slug]), {"kiosk": "1"})

    assert page.context["asked"].refresh_seconds == 30
    assert "Leave full screen" in page.content.decode()
    assert 'class="row board-controls"' not in page.content.decode()


def test_times_that_cannot_be_read_are_said_and_the_usual_ones_shown(editor, board):
    page = editor.get(reverse("dashboard", args=[board.slug]), {"from": "yesterday"})

    assert page.status_code == 200
    assert "Shown is the last 1h" in page.content.decode()


def test_a_preset_ends_now_whatever_end_was_there(editor, board):
    query = {"from": "now-6h", "to": "2026-11-22T12:00:00Z"}
    page = editor.get(reverse("dashboard", args=[board.slug]), query)

    assert page.context["asked"].seen.until == "now"


def test_a_chart_shows_the_rates_that_were_measured(measured, editor, board):
    answer = panel(editor, board, 1, **{"from": "now-5m"})
    drawn_lines = {line["name"]: line["y"] for line in figure_in(answer)["data"]}

    assert sorted(drawn_lines) == ["checkout", "store"]
    assert drawn_lines["store"][-10] == pytest.approx(3.0)


def test_a_chosen_value_narrows_and_a_hostile_one_finds_nothing(measured, editor, board):
    one = panel(editor, board, 1, **{"var-service": "store"})
    hostile = panel(editor, board, 1, **{"var-service": 'x"} or up{job="'})

    assert [line["name"] for line in figure_in(one)["data"]] == ["store"]
    assert hostile.status_code == 200
    assert "No data in this range" in hostile.content.decode()


def test_every_kind_of_panel_shows_what_it_is_asked(measured, editor, board):
    checkout, store = Service.objects.create(slug="checkout"), Service.objects.create(slug="store")
    Dependency.objects.create(caller=checkout, callee=store)

    shown = {number: panel(editor, board, number).content.decode() for number in range(2, 8)}

    assert "7 s" in shown[2]
    assert "<script>" not in shown[3]
    assert "javascript:" not in re.sub(r"\[x\]\(javascript:alert\(1\)\)", "", shown[3])
    assert "No incident matches" in shown[4]
    assert reverse("service", args=["store"]) in shown[5]
    assert "card &lt;b&gt;refused&lt;/b&gt;" in shown[6]
    assert "checkout" in shown[7]


def test_a_panel_that_cannot_be_asked_fails_alone_with_its_reason(measured, editor, board):
    document = keeping.document_of(board)
    hidden = document.model_copy(update={"panels": [document.panels[0], load_panel("x{")]})
    with patch("aiops_site.dashboards.keeping.demand_queries"):
        saved = keeping.save(board, hidden, based_on=1, by=board.owner)

    wrong, fine = panel(editor, saved, 2), panel(editor, saved, 1)

    assert (wrong.status_code, fine.status_code) == (422, 200)
    assert "parse error" in wrong.content.decode()
    assert "Retry" in wrong.content.decode()


def load_panel(expr):
    whole = {"title": "x", "panels": [{"type": "stat", "id": 2, "queries": [{"expr": expr}]}]}
    return load(whole).panels[0]


def test_a_store_that_does_not_answer_is_said_in_the_panel(editor, board):
    with patch.object(own_metrics, "store", side_effect=Unavailable("down")):
        answer = panel(editor, board, 1, **{"var-service": "store"})
        page = editor.get(reverse("dashboard", args=[board.slug]))

    assert answer.status_code == 422
    assert "does not answer" in answer.content.decode()
    assert page.status_code == 200
    assert "does not answer" in page.content.decode()


def test_a_panel_of_a_source_that_is_not_there_or_paused_says_so(editor, board):
    DataSource.objects.create(name="far", kind="prometheus", url="http://x", is_enabled=False)
    panels = [
        {"type": "stat", "source": name, "queries": [{"expr": "up"}]} for name in ("gone", "far")
    ]
    other = made(load({"title": "Far", "panels": panels}), board.owner, is_shared=True)

    assert "There is no source gone" in panel(editor, other, 1).content.decode()
    assert "There is no source far" in panel(editor, other, 2).content.decode()


def test_a_private_dashboard_is_not_there_for_others(editor, board):
    private = made(load({"title": "Own"}), board.owner)
    names = ("dashboard", "dashboard-edit", "dashboard-versions", "dashboard-export")

    for name in names:
        assert editor.get(reverse(name, args=[private.slug])).status_code == 404
    for name in ("copy", "share", "delete", "draft"):
        address = reverse(f"dashboard-{name}", args=[private.slug])
        assert editor.post(address).status_code == 404


def test_a_viewer_looks_and_changes_nothing(board):
    viewer = browser("vera", "viewer")

    page = viewer.get(reverse("dashboard", args=[board.slug])).content.decode()

    assert 'data-testid="edit"' not in page
    assert "Delete…" not in page
    for name in ("edit", "copy", "share", "delete", "draft"):
        address = reverse(f"dashboard-{name}", args=[board.slug])
        assert viewer.post(address).status_code == 403


def test_the_editor_arranges_a_draft_and_keeps_nothing_until_it_is_saved(editor, board):
    document = keeping.document_of(board)

    later = drawn(draft(editor, board, document, "later:1"))
    wider = drawn(draft(editor, board, later, "wider:1"))
    dropped = drawn(draft(editor, board, wider, "before:7:2"))

    assert [each.id for each in dropped.panels] == [7, 2, 1, 3, 4, 5, 6]
    assert dropped.panel(1).width == 7
    assert keeping.document_of(board) == document


def test_a_panel_is_added_and_changed_by_its_form(editor, board):
    document = keeping.document_of(board)
    sent = fields(
        title="Errors",
        queries="sum(up)\n\nup",
        legends="all\n\n{{job}}",
        thresholds="0.5 high\n2",
        unit="%",
    )
    put = drawn(draft(editor, board, document, "put", **sent))
    opened = draft(editor, board, put, "edit:8")
    again = drawn(draft(editor, board, put, "put", **fields(id=8, queries="up", title="Up")))

    new = put.panels[-1]
    assert [(query.expr, query.legend) for query in new.queries] == [
        ("sum(up)", "all"),
        ("up", "{{job}}"),
    ]
    assert [(each.value, each.level) for each in new.thresholds] == [(0.5, "high"), (2, "critical")]
    assert 'value="Errors"' in opened.content.decode()
    assert [each.title for each in again.panels[-1:]] == ["Up"]


def test_whatever_a_panel_has_stays_when_its_form_is_put_unchanged(editor, board):
    everything = {
        "type": "metric",
        "title": "All",
        "source": "far",
        "unit": "s",
        "legend": "none",
        "width": 5,
        "height": 4,
        "thresholds": [{"value": 0.25, "level": "medium"}],
        "queries": [{"expr": "up", "legend": "{{job}}"}, {"expr": "down"}],
    }
    others = [
        {"type": "logs", "text": "a b", "service": "x", "least": "info"},
        {"type": "topology", "service": "$service"},
        {"type": "incidents", "query": "is:open"},
        {"type": "markdown", "text": "# Hi\n\nthere"},
    ]
    document = shop(everything, *others)

    for panel in document.panels:
        form = draft(editor, board, document, f"edit:{panel.id}").context["draft"].form
        sent = {form.add_prefix(name): form[name].value() or "" for name in form.fields}
        as_sent = {name: str(value).replace("\n", "\r\n") for name, value in sent.items()}
        assert drawn(draft(editor, board, document, "put", **as_sent)) == document


def test_a_form_that_is_wrong_stays_open_with_the_reason(editor, board):
    document = keeping.document_of(board)

    nothing = draft(editor, board, document, "put", **fields(queries=" "))
    level = draft(editor, board, document, "put", **fields(queries="up", thresholds="x high"))
    cancelled = draft(editor, board, document, "cancel", **fields(queries=" "))

    assert (nothing.status_code, level.status_code, cancelled.status_code) == (422, 422, 200)
    assert "queries: List should have at least 1 item" in nothing.content.decode()
    assert "does not begin with a number" in level.content.decode()
    assert len(drawn(cancelled).panels) == 7


def test_the_preview_shows_the_panel_in_the_form(measured, editor, board):
    document = dump(keeping.document_of(board)).decode()
    address = reverse("dashboard-preview")

    fine = editor.post(address, {"document": document, **fields(queries="vector(3)", unit="s")})
    wrong = editor.post(address, {"document": document, **fields(queries="sum(")})
    empty = editor.post(address, {"document": document, **fields(queries="")})

    assert "3 s" in fine.content.decode()
    assert "parse error" in wrong.content.decode()
    assert "at least 1 item" in empty.content.decode()


def test_saving_makes_a_version_with_who_and_why(editor, board):
    document = keeping.document_of(board)
    address = reverse("dashboard-edit", args=[board.slug])
    sent = {
        "document": dump(document).decode(),
        "version": 1,
        "title": "The shop",
        "time": "6h",
        "refresh_seconds": 30,
        "reason": "a better name",
    }

    saved = editor.post(address, sent)

    board.refresh_from_db()
    newest = board.versions.first()
    assert saved.headers["Location"] == reverse("dashboard", args=[board.slug])
    assert (board.title, board.version) == ("The shop", 2)
    assert (newest.author.username, newest.reason) == ("edith", "a better name")
    assert keeping.document_of(board).refresh_seconds == 30


def test_the_whole_dashboard_is_edited_as_json(editor, board):
    address = reverse("dashboard-edit", args=[board.slug])
    fine = {"view": "json", "document": '{"title": "New"}', "version": 1}
    broken = {**fine, "document": '{"title": '}

    refused = editor.post(address, broken)
    saved = editor.post(address, fine)

    assert refused.status_code == 422
    assert "This is not JSON" in refused.content.decode()
    assert "{&quot;title&quot;: " in refused.content.decode()
    assert saved.status_code == 302
    assert keeping.document_of(Dashboard.objects.get(pk=board.pk)) == load({"title": "New"})


def test_two_who_save_at_once_see_both_and_choose(editor, board):
    theirs = keeping.document_of(board).model_copy(update={"title": "Theirs"})
    keeping.save(board, theirs, based_on=1, by=board.owner)
    address = reverse("dashboard-edit", args=[board.slug])
    mine = {"view": "json", "document": '{"title": "Mine"}', "version": 1}

    refused = editor.post(address, mine)
    over = editor.post(address, {**mine, "over": 2})

    text = refused.content.decode()
    assert refused.status_code == 409
    assert "Theirs" in text
    assert "Mine" in text
    assert over.status_code == 302
    board.refresh_from_db()
    assert (board.title, board.version) == ("Mine", 3)


def test_an_old_version_is_compared_and_restored_as_a_new_one(editor, board):
    changed = keeping.document_of(board).model_copy(update={"title": "Changed"})
    keeping.save(board, changed, based_on=1, by=board.owner, reason="try")

    page = editor.get(reverse("dashboard-versions", args=[board.slug]), {"version": "1"})
    editor.post(reverse("dashboard-restore", args=[board.slug, 1]))

    board.refresh_from_db()
    assert ("+", '  "title": "Changed",') in page.context["lines"]
    assert (board.title, board.version) == ("Shop", 3)
    assert board.versions.first().reason == "Restored v1"


def test_a_copy_is_ones_own_and_private(editor, board):
    answer = editor.post(reverse("dashboard-copy", args=[board.slug]))
    copy = Dashboard.objects.get(title="Shop (copy)")

    assert texts(answer) == ["This is your copy; nobody else sees it yet."]
    assert (copy.owner.username, copy.is_shared) == ("edith", False)


def test_only_the_owner_shares_and_an_editor_deletes_what_is_shared(editor, board):
    refused = editor.post(reverse("dashboard-share", args=[board.slug]), {"with": "nobody"})
    board.refresh_from_db()
    still_shared = board.is_shared
    editor.post(reverse("dashboard-delete", args=[board.slug]))

    assert texts(refused) == ["Only its owner says who sees it."]
    assert still_shared
    assert not Dashboard.objects.filter(pk=board.pk).exists()


def test_an_export_is_imported_again(editor, board):
    exported = editor.get(reverse("dashboard-export", args=[board.slug]))
    address = reverse("dashboard-import")

    tried = editor.post(address, {"text": exported.content.decode()})
    editor.post(address, {"text": exported.content.decode(), "deed": "save"})

    assert exported.headers["Content-Disposition"] == 'attachment; filename="shop.json"'
    assert "7 panels, 1 variable" in tried.content.decode()
    assert keeping.document_of(Dashboard.objects.get(slug="shop-2")) == keeping.document_of(board)


def test_an_import_that_cannot_be_read_says_why(editor):
    answer = editor.post(reverse("dashboard-import"), {"text": "<dashboard>"})

    assert answer.status_code == 422
    assert "This is not JSON" in answer.content.decode()


def test_a_new_dashboard_is_private_unless_it_is_said(editor):
    editor.post(reverse("dashboard-new"), {"title": "New"})
    answer = editor.post(reverse("dashboard-new"), {"title": "new", "sharing": "everyone"})

    assert [each.is_shared for each in Dashboard.objects.order_by("pk")] == [False, True]
    assert answer.headers["Location"] == reverse("dashboard-edit", args=["new-3"])
    assert editor.post(reverse("dashboard-new"), {"title": " "}).status_code == 422


def test_a_page_asks_the_database_as_often_for_many_panels_as_for_one(
    editor, board, django_assert_max_num_queries
):
    many = [rate(id=number) for number in range(1, 25)]
    full = made(shop(*many), board.owner, is_shared=True)
    editor.get(reverse("dashboard", args=[full.slug]))

    with django_assert_max_num_queries(14):
        editor.get(reverse("dashboard", args=[full.slug]))
