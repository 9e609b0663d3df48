"""The explorer: metrics, log lines and their patterns, traces; of the console's own store."""

import re
import time
from html import unescape

import numpy as np
import pytest
from django.urls import reverse

from telemetry import own_metrics, own_records
from telemetry.models import DataSource, Series, Watch
from telemetry.records import Link, LogRecord, Span, SpanEvent
from telemetry.store.database import Unavailable
from telemetry.store.frames import Batch
from tests.site import world
from tests.site.pages import browser

pytestmark = pytest.mark.django_db
MS = 10**6
NOW_NS = time.time_ns()
EVIL = "<script>window.__xss=1</script>\"'>{{7*7}}\u202egpj"


@pytest.fixture(autouse=True)
def own_telemetry(settings, tmp_path):
    settings.TELEMETRY_URL = f"sqlite:///{tmp_path}/telemetry.sqlite3"
    yield
    own_metrics.store().close()
    own_records.logs().close()
    own_records.spans().close()


@pytest.fixture
def viewer():
    return browser("vera", "viewer")


def text_of(response):
    """What a reader sees, without markup."""
    page = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def line(body="cart is empty", *, ago_ms=1000, severity=9, service="shop", **fields):
    return LogRecord(NOW_NS - ago_ms * MS, service, severity, body, **fields)


def keep(*records):
    own_records.logs().append(records)


def span(number, parent="", *, at=0, took=10, service="shop", name="", kind="server", **fields):
    return Span(
        trace_id="ab" * 16,
        span_id=number,
        parent_id=parent,
        service=service,
        name=name or f"GET /{number}",
        kind=kind,
        start_ns=NOW_NS - 60_000 * MS + at * MS,
        duration_ns=took * MS,
        is_error=fields.pop("is_error", False),
        **fields,
    )


def measure(name, *series, seconds=120):
    """The labels of each series; each point is its number, counted from 1."""
    now_ms = time.time_ns() // MS
    times = np.arange(now_ms - seconds * 1000, now_ms, 5_000)
    own_metrics.store().append(
        Batch(
            [{"__name__": name, **labels} for labels in series],
            np.repeat(np.arange(len(series)), len(times)),
            np.tile(times, len(series)),
            np.repeat(np.arange(1.0, len(series) + 1), len(times)),
        )
    )


# Lines


def test_without_lines_the_page_says_how_they_come(viewer):
    page = text_of(viewer.get(reverse("explore-logs")))

    assert "No log lines in this time" in page
    assert "/v1/logs" in page


def test_lines_come_newest_first_and_the_rest_on_older_pages(viewer):
    keep(*(line(f"line number {n}", ago_ms=60_000 - n) for n in range(120)))
    seen, url = [], reverse("explore-logs")

    while url:
        page = viewer.get(url).content.decode()
        seen += [int(found) for found in re.findall(r'body">line number (\d+)<', page)]
        older = re.search(r'href="([^"]*before=[^"]*)"', page)
        url = unescape(older[1]) if older else ""

    assert seen == list(reversed(range(120)))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=payment", ["payment refused"]),
        ('q="stock is"', ["stock is low"]),
        ("service=store", ["stock is low"]),
        ("severity=error", ["payment refused"]),
        ("attr=order%3D7", ["payment refused"]),
        ("trace=" + "cd" * 16, ["payment refused"]),
        ("range=900&q=zebra", []),
        ("range=custom&from=2020-01-01T00:00&to=2020-01-02T00:00", []),
    ],
)
def test_lines_are_found_by_each_part_of_a_search(viewer, asked, found):
    keep(
        line("payment refused", severity=17, attributes={"order": "7"}, trace_id="cd" * 16),
        line("stock is low", severity=13, service="store", ago_ms=2000),
    )

    page = viewer.get(f"{reverse('explore-logs')}?{asked}").content.decode()

    assert re.findall(r'class="mono body">([^<]*)<', page) == found


def test_an_attribute_offers_the_search_for_it_and_the_trace_its_page(viewer):
    keep(line(attributes={"http.route": "/a b&c"}, trace_id="cd" * 16))

    page = viewer.get(reverse("explore-logs") + "?service=shop").content.decode()

    around = re.search(r'href="([^"]*)"[^>]*><svg[^>]*><use[^>]*#clock"/></svg>Around it', page)
    assert viewer.get(unescape(around[1])).content.decode().count("mono body") == 1
    wanted = re.search(r'href="([^"]*attr=http.route[^"]*)">filter for this', page)
    assert viewer.get(unescape(wanted[1])).content.decode().count("mono body") == 1
    assert reverse("explore-trace", args=["cd" * 16]) in page


@pytest.mark.parametrize(
    "asked",
    [
        "range=7",
        "range=custom&from=yesterday",
        "range=custom&from=2026-01-02T00:00&to=2026-01-01T00:00",
        "range=custom&from=1999-01-01T00:00",
        "severity=loud",
        "trace=xyz",
        "attr=nothing",
        "q=" + "+".join("abcdefghijklmnopqrstuvwxyz"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field_and_the_page_stays(viewer, asked):
    response = viewer.get(f"{reverse('explore-logs')}?{asked}")

    page = response.content.decode()
    assert response.status_code == 400
    assert 'aria-invalid="true"' in page
    assert "errorlist" in page


def test_counts_over_time_are_a_picture_with_its_words(viewer):
    keep(*(line(severity=s) for s in (9, 9, 17)))

    page = viewer.get(reverse("explore-log-counts"))

    assert page.content.decode().count("<rect") == 2
    assert "1 error" in text_of(page)
    assert "3 lines" in text_of(page)


def test_newer_lines_are_counted_and_wait_to_be_shown(viewer):
    keep(line("seen", ago_ms=5000), line("since then", ago_ms=1000))
    since = NOW_NS - 5000 * MS

    page = text_of(viewer.get(f"{reverse('explore-logs-newer')}?since={since}"))

    assert "1 new" in page
    assert "since then" not in page
    nothing = viewer.get(f"{reverse('explore-logs-newer')}?since={NOW_NS}")
    assert text_of(nothing).strip() == ""


def test_a_line_of_a_stranger_is_text_and_acts_on_nothing(viewer):
    keep(
        line(
            f"\x1b[31mred\x1b[0m {EVIL} \x00\x07",
            service=EVIL,
            attributes={EVIL: EVIL, "": "", "a.b[0]\"'": "x" * 5000},
            trace_id="../../etc",
        ),
        line("y" * 1_000_000, ago_ms=2000),
    )

    response = viewer.get(reverse("explore-logs"))

    page = response.content.decode()
    assert response.status_code == 200
    assert "<script>window" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "992,000 more characters" in page
    assert len(page) < 100_000


# Patterns


def test_patterns_say_what_lines_have_in_common_and_what_changed(viewer):
    keep(
        *(line(f"request {n} took {n} ms", ago_ms=1000 + n) for n in range(30)),
        *(line(f"request {n} took {n} ms", ago_ms=4_000_000 + n) for n in range(30)),
        line("disk is gone", severity=21),
        line("all is well here", ago_ms=4_000_000),
    )

    page = text_of(viewer.get(reverse("explore-patterns")))
    only_new = text_of(viewer.get(reverse("explore-patterns") + "?trend=new"))

    assert "request <*> took <*> ms" in page
    assert "before 30" in page
    assert "all is well here" in page
    assert "Gone 1" in page
    assert "disk is gone" in only_new
    assert "request <*>" not in only_new


def test_more_lines_than_are_mined_are_said(viewer, monkeypatch):
    monkeypatch.setattr("telemetry.explore.patterns.MOST_LINES", 10)
    monkeypatch.setattr("telemetry.explore.patterns.MOST_FOUND", 4)
    keep(*(line(f"beat {n}", ago_ms=1000 * n) for n in range(1, 40)))

    page = text_of(viewer.get(reverse("explore-patterns")))

    assert "of the newest 10 lines, beside 10" in page


# Traces


def shop_trace():
    return [
        span("root", took=100, service="gateway", name="GET /buy"),
        span("call", "root", at=10, took=80, service="gateway", kind="client"),
        span(
            "pay",
            "call",
            at=20,
            took=60,
            service="payments",
            is_error=True,
            status_message="refused",
            attributes={"http.route": "/charges"},
            resource={"host.name": "h1"},
            events=(SpanEvent(NOW_NS, "exception", {"exception.type": "Timeout"}),),
            links=(Link("ef" * 16, "aa"),),
        ),
    ]


def test_traces_are_listed_with_what_they_are_and_how_long_they_took(viewer):
    own_records.spans().append(shop_trace())

    page = text_of(viewer.get(reverse("explore-traces") + "?service=payments&errors=1&least=50ms"))

    assert "gateway: GET /buy" in page
    assert "100 ms" in page
    assert "1 failed" in page
    other = text_of(viewer.get(reverse("explore-traces") + "?least=2s"))
    assert "No trace matches" in other


def test_a_duration_that_is_none_is_said_at_its_field(viewer):
    response = viewer.get(reverse("explore-traces") + "?least=soon")

    assert response.status_code == 400
    assert "Write a duration" in text_of(response)


def test_a_trace_is_a_waterfall_with_its_slowest_path(viewer):
    own_records.spans().append(shop_trace())
    world.service("payments")

    page = viewer.get(reverse("explore-trace", args=["ab" * 16]))

    assert "3 spans" in text_of(page)
    assert page.content.decode().count("on the slowest path") == 3
    assert "Itself" in text_of(page)
    assert reverse("service", args=["payments"]) in page.content.decode()


def test_a_span_is_shown_with_all_that_it_says(viewer):
    own_records.spans().append(shop_trace())
    address = reverse("explore-trace", args=["ab" * 16])

    whole = text_of(viewer.get(f"{address}?span=pay"))
    part = viewer.get(f"{reverse('explore-span', args=['ab' * 16])}?span=pay")

    for page in (whole, text_of(part)):
        for said in ("refused", "http.route", "/charges", "host.name", "exception.type"):
            assert said in page
    assert reverse("explore-trace", args=["ef" * 16]) in part.content.decode()
    assert viewer.get(f"{reverse('explore-span', args=['ab' * 16])}?span=none").status_code == 404


def test_what_is_odd_about_a_trace_is_said(viewer):
    own_records.spans().append(
        [
            span("a", "c"),
            span("b", "a"),
            span("c", "b"),
            span("lost", "far"),
            span("call", at=500, took=50, kind="client"),
            span("early", "call", at=0, took=20, service="cart"),
        ]
    )

    page = text_of(viewer.get(reverse("explore-trace", args=["ab" * 16])))

    assert "in 1 circle" in page
    assert "1 span names a parent that is not here" in page
    assert "the clocks of these services disagree" in page


def test_a_large_trace_is_folded_and_a_part_of_it_can_be_shown_alone(viewer):
    spans = [span("root", took=5000)]
    spans += [span(f"g{n}", "root", at=n, took=3) for n in range(600)]
    spans += [span(f"s{n}", "g599", at=599, took=1) for n in range(40)]
    own_records.spans().append(spans)
    address = reverse("explore-trace", args=["ab" * 16])

    page = viewer.get(address)
    part = viewer.get(f"{address}?under=g599")

    assert "141 of 641 spans are not drawn" in text_of(page)
    assert page.content.decode().count("<tr data-depth") == 500
    assert "41 spans" in text_of(part)


def test_a_trace_that_nobody_knows_is_not_found_in_words(viewer):
    response = viewer.get(reverse("explore-trace", args=["0" * 32]))

    assert response.status_code == 404
    assert "No spans of this trace" in text_of(response)


def test_a_span_of_a_stranger_is_text(viewer):
    own_records.spans().append(
        [
            span(
                "evil\"'><b>/?",
                name=EVIL,
                service=EVIL,
                status_message=EVIL,
                took=0,
                attributes={EVIL: EVIL},
                events=(SpanEvent(0, EVIL, {EVIL: "\x00" * 10}),),
                links=(Link("../x", "y"),),
            )
        ]
    )
    address = reverse("explore-trace", args=["ab" * 16])

    for page in (viewer.get(address), viewer.get(address, {"span": "evil\"'><b>/?"})):
        assert page.status_code == 200
        assert "<script>window" not in page.content.decode()
    assert "<script>window" not in viewer.get(reverse("explore-traces")).content.decode()


# Metrics


def test_a_question_is_answered_by_a_figure_a_table_and_csv(viewer):
    measure("queue_depth", {"job": "shop", "queue": "a"}, {"job": "shop", "queue": "b"})

    page = viewer.get(reverse("explore-metrics"), {"q": "queue_depth"})
    table = viewer.get(reverse("explore-metrics-csv"), {"q": "queue_depth"})

    assert page.status_code == 200
    assert 'id="explore-figure"' in page.content.decode()
    assert '{queue="b"}' in text_of(page)
    assert "job=shop" in text_of(page)
    head, *rows = table.content.decode().splitlines()
    assert head == 'time,"{queue=""b""}","{queue=""a""}"'
    assert rows[-1].endswith("Z,2.0,1.0")


def test_a_plain_selector_offers_what_it_can_be_narrowed_to(viewer):
    measure("queue_depth", {"queue": 'a"\\', "job": "x"}, {"queue": "b", "job": "x"})

    page = viewer.get(reverse("explore-metrics"), {"q": 'queue_depth{job="x"}'}).content.decode()
    url = re.search(r'href="([^"]*)"><bdi>a&quot;', page)

    narrowed = viewer.get(unescape(url[1]))
    assert "One series" in text_of(narrowed)


def test_of_many_series_twenty_are_drawn_and_the_rest_is_said(viewer):
    measure("many", *({"n": f"{n:02}"} for n in range(51)))

    page = text_of(viewer.get(reverse("explore-metrics"), {"q": "many"}))

    assert "51 series, the 20 with the greatest last value drawn" in page
    assert "31 more are not" in page


def test_a_question_that_is_wrong_is_said_at_its_place_and_kept(viewer):
    for wrong in ("sum(", "nope(x)", "up{a=~'['}", '"text"'):
        response = viewer.get(reverse("explore-metrics"), {"q": wrong})

        assert response.status_code == 400
        assert "promql-error" in response.content.decode()
        assert (
            unescape(re.search(r'name="q" value="([^"]*)"', response.content.decode())[1]) == wrong
        )


def test_steps_are_bounded(viewer):
    measure("m", {})

    assert viewer.get(reverse("explore-metrics"), {"q": "m", "step": "0"}).status_code == 400
    page = viewer.get(reverse("explore-metrics"), {"q": "m", "step": "1", "range": "604800"})
    assert "one point every 600 s" in text_of(page)


def test_labels_of_a_stranger_are_text_also_in_the_figure(viewer):
    measure("m", {"a": EVIL, "b": "<b>bold</b>"}, {"a": "=1+1"})

    page = viewer.get(reverse("explore-metrics"), {"q": "m"}).content.decode()
    table = viewer.get(reverse("explore-metrics-csv"), {"q": "m"}).content.decode()

    assert "<script>window" not in page
    assert "<b>bold" not in page
    assert "\\u0026lt;b>" in page or "\\u0026lt;b\\u003E" in page
    assert not any(cell.startswith("=") for cell in table.split(","))


def test_names_are_suggested_where_the_caret_is(viewer):
    measure("queue_depth", {"job": "shop"})
    measure("other", {"other_label": "x"})

    def suggested(before):
        answer = viewer.get(reverse("explore-suggest"), {"before": before, "after": ""})
        return [unescape(i) for i in re.findall(r'data-insert="([^"]*)"', answer.content.decode())]

    assert suggested("sum(que") == ["queue_depth"]
    assert suggested("queue_depth{j") == ['job="']
    assert suggested('queue_depth{job="s') == ['shop"']
    assert "histogram_quantile(" in suggested("histogram_q")
    assert viewer.get(reverse("explore-suggest"), {"before": "", "after": ""}).status_code == 204


def test_a_watched_series_of_what_is_asked_for_comes_with_its_band(viewer):
    measure("http_server_request_duration_seconds_count", {"job": "checkout"})
    series = world.series("checkout")
    Watch.objects.create(series=series)
    Series.objects.filter(pk=series.pk).update(name="http.server.request.duration.p95")
    near = Series.objects.create(service=series.service, name="http.server.active_requests")
    Watch.objects.create(series=near)

    asked = {"q": "rate(http_server_request_duration_seconds_count[1m])"}
    page = viewer.get(reverse("explore-metrics"), asked).content.decode()

    assert f"/api/v1/series/figure/?series={series.pk}" in page
    assert f"series={near.pk}" not in page


# The store


def test_a_store_that_does_not_answer_is_said_where_its_part_would_be(viewer, monkeypatch):
    def fail(*args, **kwargs):
        raise Unavailable("The telemetry store does not answer: disk I/O error")

    monkeypatch.setattr("telemetry.store.logs.LogStore.search", fail)
    monkeypatch.setattr("telemetry.store.logs.LogStore.count", fail)
    monkeypatch.setattr("telemetry.store.spans.SpanStore.find", fail)
    monkeypatch.setattr("telemetry.store.spans.SpanStore.trace", fail)
    monkeypatch.setattr("telemetry.store.sql_metrics.SqlMetrics.select", fail)
    pages = ["explore-logs", "explore-log-counts", "explore-patterns", "explore-traces"]
    addresses = [reverse(name) for name in pages]
    addresses.append(reverse("explore-trace", args=["0" * 32]))
    addresses.append(reverse("explore-metrics") + "?q=m")
    addresses.append(f"{reverse('explore-logs-newer')}?since={NOW_NS}")

    for address in addresses:
        response = viewer.get(address)
        assert response.status_code == 200, address
        assert "disk I/O error" in text_of(response), address
    assert viewer.get(reverse("explore-metrics-csv") + "?q=m").status_code == 503


def test_the_reader_chooses_the_source_and_one_that_fails_says_so(viewer):
    DataSource.objects.create(name="main-prom", kind="prometheus", url="http://127.0.0.1:9")
    measure("m", {})

    own = viewer.get(reverse("explore-metrics"), {"q": "m"})
    other = viewer.get(reverse("explore-metrics"), {"q": "m", "source": "main-prom"})

    assert "One series" in text_of(own)
    assert '<option value="main-prom"' in own.content.decode()
    assert other.status_code == 200
    assert "Not answered" in text_of(other)


def test_a_source_there_is_not_is_not_found(viewer):
    for page in ("metrics", "logs", "traces"):
        assert viewer.get(reverse(f"explore-{page}") + "?source=nowhere").status_code == 404
