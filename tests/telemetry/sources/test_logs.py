"""Loki, Elasticsearch and OpenSearch, by recorded answers."""

import pytest

from telemetry.sources.base import SourceFailed, Stretch
from telemetry.store.logs import LogQuery
from tests.telemetry.sources.conftest import Opened
from tests.telemetry.sources.recorded import ANSWERS, Recorded, Reply

START_NS, END_NS = 1_795_350_000 * 10**9, 1_795_350_060 * 10**9
STRETCH = Stretch(START_NS // 10**6, END_NS // 10**6)
STREAMS = "/loki/api/v1/query_range"
SEARCH = "/logs-*/_search"


def query(**facts):
    return LogQuery(START_NS, END_NS, **facts)


@pytest.fixture
def loki(opened: Opened, recorded: Recorded):
    recorded.give_recorded(STREAMS, "loki/streams.json")
    return lambda **options: opened("loki", recorded.url, options)


@pytest.fixture
def elastic(opened: Opened, recorded: Recorded):
    recorded.give_recorded(SEARCH, "elasticsearch/search.json")
    return lambda **options: opened("elasticsearch", recorded.url, options)


async def test_loki_s_lines_come_newest_first_with_what_is_known_of_them(loki):
    found = await loki().logs(query(), 100)

    assert [record.service for record in found] == ["checkout", "catalog", "checkout"]
    newest = found[0]
    assert newest.at_ns == 1_795_350_000_300_000_000
    assert (newest.severity, found[1].severity) == (17, 13)
    assert newest.body == "payments: connection refused"
    assert newest.attributes["pod"] == "checkout-7d4"
    assert newest.trace_id == "5b8efff798038103d269b633813fc60c"
    assert newest.span_id == "eee19b7ec3c1b174"


async def test_loki_is_asked_in_its_own_language(loki, recorded: Recorded):
    await loki().logs(
        query(
            text='"connection refused" pay*',
            service='check"out',
            least_severity=17,
            attributes={"k8s.pod": 'a"b'},
        ),
        5000,
    )

    asked = recorded.asked[0].params
    assert asked["query"].startswith('{service_name="check\\"out"} |~ "(?i)(?:^|[^\\\\pL\\\\pN])')
    assert "connection[^\\\\pL\\\\pN]+refused(?:[^\\\\pL\\\\pN]|$)" in asked["query"]
    assert 'pay" | k8s_pod="a\\"b"' in asked["query"]
    assert 'detected_level=~"(?i)err|error|crit|critical|alert|fatal' in asked["query"]
    assert (asked["start"], asked["end"]) == (str(START_NS), str(END_NS + 1))
    assert (asked["limit"], asked["direction"]) == ("1000", "backward")


async def test_loki_finds_a_trace_in_the_line_and_beside_it(loki, recorded: Recorded):
    found = await loki().logs(query(trace_id="5b8e"), 100)

    assert sorted(asked.params["query"] for asked in recorded.asked) == [
        '{service_name=~".+"} | trace_id="5b8e" or traceID="5b8e" or traceid="5b8e"',
        '{service_name=~".+"} |= "5b8e"',
    ]
    assert len(found) == 3


async def test_the_page_before_ends_where_the_next_begins(loki, recorded: Recorded):
    await loki().logs(query(before=(END_NS - 5, 7)), 100)

    assert recorded.asked[0].params["end"] == str(END_NS - 5)


async def test_loki_names_its_services_by_the_label_that_is_told(loki, recorded: Recorded):
    recorded.give("/loki/api/v1/label/app/values", Reply(b'{"status":"success","data":["b","a"]}'))

    assert await loki(service_label="app").services(STRETCH) == ["a", "b"]


async def test_loki_says_what_it_cannot_read(loki, recorded: Recorded):
    recorded.give(STREAMS, Reply(b"parse error at line 1, col 3: syntax error", 400))

    with pytest.raises(SourceFailed, match=r"It says: parse error at line 1"):
        await loki().logs(query(), 10)


@pytest.mark.parametrize("name", ['a"b', "", "a b", "a}", "x" * 300])
@pytest.mark.parametrize("kind", ["loki", "datadog"])
async def test_a_name_that_is_more_than_a_name_is_not_asked_for(
    opened: Opened, recorded: Recorded, kind: str, name: str
):
    with pytest.raises(SourceFailed, match="cannot be asked for"):
        await opened(kind, recorded.url).logs(query(attributes={name: "x"}), 10)

    assert recorded.asked == []


async def test_loki_and_its_version(loki, recorded: Recorded):
    recorded.give_recorded("/loki/api/v1/labels", "loki/labels.json")
    recorded.give_recorded("/loki/api/v1/status/buildinfo", "loki/buildinfo.json")

    assert await loki().check() == "Loki 3.0.0"


async def test_elasticsearch_s_documents_become_lines_nested_or_not(elastic):
    newest, older = await elastic().logs(query(), 100)

    assert (newest.at_ns, newest.service) == (1_795_350_001_250_000_000, "checkout")
    assert (newest.severity, newest.body) == (17, "payments: connection refused")
    assert newest.trace_id == "5b8efff798038103d269b633813fc60c"
    assert newest.attributes["host.cpu.usage"] == "0.5"
    assert newest.attributes["tags"] == '["a","b"]'
    assert (older.at_ns, older.service) == (1_795_350_000_123_456_789, "catalog")


async def test_elasticsearch_is_asked_in_its_own_language(elastic, recorded: Recorded):
    await elastic(service_field="app").logs(
        query(text='"connection refused" pay*', service='a"b', least_severity=21, trace_id="5b"), 7
    )

    asked = recorded.asked[0].json
    assert asked["size"] == 7
    assert asked["sort"] == [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
    within, phrase, beginning, service, trace, level = asked["query"]["bool"]["filter"]
    assert within["range"]["@timestamp"]["gte"] == START_NS // 10**6
    assert phrase == {"match_phrase": {"message": "connection refused"}}
    assert beginning == {"match_phrase_prefix": {"message": "pay"}}
    assert service == {"match_phrase": {"app": 'a"b'}}
    assert {"match_phrase": {"trace.id": "5b"}} in trace["bool"]["should"]
    assert "FATAL" in level["terms"]["log.level"]


async def test_elasticsearch_names_its_services(elastic, recorded: Recorded):
    recorded.give_recorded(SEARCH, "elasticsearch/services.json")

    assert await elastic().services(STRETCH) == ["catalog", "checkout"]


async def test_without_an_index_there_are_no_services(elastic, recorded: Recorded):
    recorded.give_recorded(SEARCH, "elasticsearch/no_index.json")

    assert await elastic().services(STRETCH) == []


async def test_elasticsearch_says_what_it_cannot_do(elastic, recorded: Recorded):
    recorded.give(SEARCH, Reply((ANSWERS / "elasticsearch/refusal.json").read_bytes(), 400))

    with pytest.raises(SourceFailed, match="Fielddata is disabled"):
        await elastic().services(STRETCH)


@pytest.mark.parametrize(
    ("root", "said"),
    [("root.json", "Elasticsearch 8.15.0"), ("root_opensearch.json", "OpenSearch 2.17.0")],
)
async def test_elasticsearch_and_opensearch_are_told_apart(
    elastic, recorded: Recorded, root: str, said: str
):
    recorded.give_recorded("/", f"elasticsearch/{root}")

    assert await elastic().check() == said


async def test_an_api_key_goes_before_a_password(opened: Opened, recorded: Recorded):
    recorded.give_recorded(SEARCH, "elasticsearch/search.json")

    source = opened("elasticsearch", recorded.url, {}, {"api_key": "k", "password": "p"})
    await source.logs(query(), 1)

    assert recorded.asked[0].headers["authorization"] == "ApiKey k"


async def test_an_index_is_a_name_and_no_path(opened: Opened, recorded: Recorded):
    source = opened("elasticsearch", recorded.url, {"index": "logs?x=/../_all/#"})

    with pytest.raises(SourceFailed):
        await source.logs(query(), 1)

    assert recorded.asked[0].path.endswith("/_search")
    assert recorded.asked[0].params == {"ignore_unavailable": "true"}


async def test_a_search_of_too_many_words_is_refused_before_it_is_sent(loki, recorded: Recorded):
    with pytest.raises(SourceFailed, match="20 words"):
        await loki().logs(query(text="w " * 21), 10)

    assert recorded.asked == []
