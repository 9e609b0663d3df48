"""Datadog and CloudWatch, by recorded answers; the signature by the vectors that AWS publishes."""

from datetime import UTC, datetime

import httpx
import pytest

from telemetry.sources.aws_signature import AwsSignature
from telemetry.sources.base import SourceFailed, Stretch
from telemetry.store.logs import LogQuery
from telemetry.store.spans import TraceQuery
from tests.telemetry.sources.conftest import Opened
from tests.telemetry.sources.recorded import ANSWERS, Recorded, Reply

STRETCH = Stretch(1_795_350_000_000, 1_795_350_060_000)
BOUNDS_NS = STRETCH.start_ms * 10**6, STRETCH.end_ms * 10**6
LOGS, SPANS = "/api/v2/logs/events/search", "/api/v2/spans/events/search"
AWS = {"region": "eu-central-1", "access_key": "AKIDEXAMPLE"}


@pytest.fixture
def datadog(opened: Opened, recorded: Recorded):
    recorded.give_recorded("/api/v1/query", "datadog/query.json")
    recorded.give_recorded("/api/v1/validate", "datadog/validate.json")
    recorded.give_recorded(LOGS, "datadog/logs.json")
    recorded.give_recorded(SPANS, "datadog/spans.json")
    secrets = {"api_key": "a", "application_key": "b"}
    return lambda: opened("datadog", recorded.url, {}, secrets)


@pytest.fixture
def cloudwatch(opened: Opened, recorded: Recorded):
    recorded.give_recorded("/", "cloudwatch/metric_data.json")
    return lambda: opened("cloudwatch", recorded.url, AWS, {"secret_key": "s"})


async def test_datadog_s_series_leave_out_what_was_not_measured(datadog, recorded: Recorded):
    frames = await datadog().metrics("avg:system.cpu.idle{*} by {host}", STRETCH, 20_000)

    first = next(frame for frame in frames if frame.labels[0]["host"] == "a")
    assert first.labels[0] == {"__name__": "system.cpu.idle", "env": "prod", "host": "a"}
    assert first.at_ms.tolist() == [1_795_350_000_000, 1_795_350_040_000]
    assert first.values.tolist() == [[97.5, 96.25]]
    asked = recorded.asked[0]
    assert (asked.params["from"], asked.params["to"]) == ("1795350000", "1795350060")
    assert (asked.headers["dd-api-key"], asked.headers["dd-application-key"]) == ("a", "b")


async def test_a_query_that_datadog_cannot_read_is_told(datadog, recorded: Recorded):
    recorded.give_recorded("/api/v1/query", "datadog/query_error.json")

    with pytest.raises(SourceFailed, match="Rule 'query' didn't match") as told:
        await datadog().metrics("avg:", STRETCH, 20_000)

    assert told.value.is_about_question


async def test_datadog_s_logs_are_lines(datadog, recorded: Recorded):
    query = LogQuery(*BOUNDS_NS, text='"connection refused" pay*', service='a"b', least_severity=17)
    (found,) = await datadog().logs(query, 50)

    assert (found.at_ns, found.severity) == (1_795_350_000_250_000_000, 17)
    assert found.trace_id == "5b8efff798038103d269b633813fc60c"
    assert found.attributes["team"] == "shop"
    assert found.attributes["duration"] == "2345"
    asked = recorded.asked[0].json
    assert asked["filter"]["query"] == (
        '"connection refused" pay* service:"a\\"b" status:(error OR critical OR alert OR emergency)'
    )
    assert asked["page"] == {"limit": 50}


async def test_datadog_s_spans_become_traces(datadog, recorded: Recorded):
    query = TraceQuery(*BOUNDS_NS, service="gateway", least_ns=1000, only_errors=True)

    (found,) = await datadog().traces(query, 5)

    assert (found.root_service, found.root_name) == ("gateway", "GET /checkout")
    assert (found.span_count, found.error_count, found.duration_ns) == (2, 1, 500_000_000)
    asked = recorded.asked[0].json["data"]
    assert asked["type"] == "search_request"
    assert asked["attributes"]["filter"]["query"] == (
        'service:"gateway" @duration:>=1000 status:error'
    )


async def test_datadog_s_trace_comes_in_order(datadog, recorded: Recorded):
    root, child = await datadog().trace("5b8efff798038103d269b633813fc60c")

    assert (root.parent_id, child.parent_id, child.kind) == ("", root.span_id, "server")
    assert child.resource == {"host": "i-2", "env": "prod", "team": "pay"}


async def test_both_keys_of_datadog_are_tried(datadog, recorded: Recorded):
    assert await datadog().check() == "Datadog; both keys are accepted"

    recorded.give(LOGS, Reply((ANSWERS / "datadog/refusal.json").read_bytes(), 403))
    with pytest.raises(SourceFailed, match=r"may not ask this \(403\)\. It says: Forbidden"):
        await datadog().check()


async def test_cloudwatch_s_results_are_series_by_their_label(cloudwatch, recorded: Recorded):
    frames = await cloudwatch().metrics("SEARCH('x', 'Average', 60)", STRETCH, 90_000)

    found = {frame.labels[0]["label"]: frame.values.tolist() for frame in frames}
    assert found == {"i-0abc": [[12.5, 14.0]], "i-0def": [[99.0]]}
    asked = recorded.asked[0]
    assert asked.headers["x-amz-target"] == "GraniteServiceVersion20100801.GetMetricData"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/monitoring/aws4_request" in asked.headers["authorization"]
    (metric,) = asked.json["MetricDataQueries"]
    assert metric["Period"] == 120


async def test_cloudwatch_s_pages_are_all_read(cloudwatch, recorded: Recorded):
    pages = ("first_page", "metric_data")
    bodies = [(ANSWERS / f"cloudwatch/{name}.json").read_bytes() for name in pages]
    recorded.give("/", *map(Reply, bodies))

    frames = await cloudwatch().metrics("x", STRETCH, 60_000)

    assert sum(frame.values.size for frame in frames) == 4
    assert recorded.asked[1].json["NextToken"] == "more"


async def test_wrong_keys_of_aws_are_no_wrong_question(cloudwatch, recorded: Recorded):
    recorded.give("/", Reply((ANSWERS / "cloudwatch/wrong_key.json").read_bytes(), 400))

    with pytest.raises(SourceFailed, match="UnrecognizedClientException") as told:
        await cloudwatch().check()

    assert not told.value.is_about_question


async def test_cloudwatch_says_what_it_cannot_read(cloudwatch, recorded: Recorded):
    recorded.give("/", Reply((ANSWERS / "cloudwatch/refusal.json").read_bytes(), 400))

    with pytest.raises(SourceFailed, match="Period must be a multiple of 60") as told:
        await cloudwatch().metrics("x", STRETCH, 60_000)

    assert told.value.is_about_question


@pytest.mark.parametrize(
    ("method", "url", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_a_request_is_signed_as_aws_publishes(method: str, url: str, signature: str):
    """get-vanilla, post-vanilla and get-vanilla-query-order-key-case of AWS' own test suite.

    https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
    """
    signing = AwsSignature(
        access_key="AKIDEXAMPLE",
        secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region="us-east-1",
        service="service",
        now=lambda: datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    request = httpx.Request(method, f"https://example.amazonaws.com{url}")

    next(signing.auth_flow(request))

    assert request.headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )
