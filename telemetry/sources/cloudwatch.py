import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import httpx
import orjson
from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from telemetry.sources.aws_signature import AwsSignature
from telemetry.sources.base import (
    Ability,
    Language,
    RemoteSource,
    Setting,
    SourceFailed,
    Stretch,
)
from telemetry.sources.reading import demand_few_points, framed, read
from telemetry.store.frames import Frame

MINUTE_MS = 60_000
TARGET = "GraniteServiceVersion20100801.GetMetricData"
MOST_PAGES = 5
_ANY = "SEARCH('{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"', 'Average', 300)"
_WRONG_KEYS = (
    "AccessDenied",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
)


class _Result(BaseModel):
    Label: str = ""
    Timestamps: list[float] = []
    Values: list[float] = []


class _Message(BaseModel):
    Value: str = ""


class _Answer(BaseModel):
    MetricDataResults: list[_Result]
    Messages: list[_Message] = []
    NextToken: str | None = None


class _Refusal(BaseModel):
    kind: str = Field(alias="__type", default="")
    message: str = Field(validation_alias=AliasChoices("message", "Message"), default="")


_ANSWER = TypeAdapter(_Answer)


@dataclass(frozen=True)
class CloudWatch(RemoteSource):
    """A query is an expression of metric math, such as a SEARCH, or a SELECT of Metrics Insights.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """

    slug: ClassVar[str] = "cloudwatch"
    title: ClassVar[str] = "CloudWatch metrics"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"metrics"})
    language: ClassVar[Language] = "cloudwatch"
    example: ClassVar[str] = "https://monitoring.eu-central-1.amazonaws.com"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("region", "Region", "Such as eu-central-1.", is_required=True),
        Setting("access_key", "Access key id", is_required=True),
        Setting("secret_key", "Secret access key", is_secret=True, is_required=True),
        Setting(
            "session_token", "Session token", "Only with temporary credentials.", is_secret=True
        ),
    )

    @classmethod
    def auth(cls, options: Mapping[str, str], secrets: Mapping[str, str]) -> httpx.Auth:
        return AwsSignature(
            access_key=options.get("access_key", ""),
            secret_key=secrets.get("secret_key", ""),
            session_token=secrets.get("session_token", ""),
            region=options.get("region", ""),
            service="monitoring",
        )

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        said = _Refusal.model_validate_json(refusal)
        name = said.kind.rpartition("#")[2]
        return f"{name}: {said.message}" if said.message else name

    async def check(self) -> str:
        now_ms = int(time.time() * 1000)
        await self._pages(_ANY, Stretch(now_ms - 10 * MINUTE_MS, now_ms), 5 * MINUTE_MS)
        return f"CloudWatch in {self.options.get('region', '')}"

    async def metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        """A step is a whole number of minutes there: the next larger one is asked for."""
        demand_few_points(stretch, step_ms)
        period_ms = max(MINUTE_MS, -(-step_ms // MINUTE_MS) * MINUTE_MS)
        results = await self._pages(query, stretch, period_ms)
        return framed(
            ({"label": each.Label}, sorted(zip(each.Timestamps, each.Values, strict=False)))
            for each in results
        )

    async def _pages(self, query: str, stretch: Stretch, period_ms: int) -> list[_Result]:
        asked = {"Id": "q", "Expression": query, "Period": period_ms // 1000}
        question = {
            "StartTime": stretch.start_ms / 1000,
            "EndTime": stretch.end_ms / 1000,
            "ScanBy": "TimestampAscending",
            "MetricDataQueries": [asked],
        }
        results: list[_Result] = []
        for _ in range(MOST_PAGES):
            answer = await self._page(question)
            results += answer.MetricDataResults
            if not answer.NextToken:
                break
            question["NextToken"] = answer.NextToken
        return results

    async def _page(self, question: Mapping[str, object]) -> _Answer:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": TARGET}
        content = orjson.dumps(question)
        try:
            answer = await self.asker.post("/", content=content, headers=headers)
        except SourceFailed as failed:
            if any(name in str(failed) for name in _WRONG_KEYS):
                raise SourceFailed(str(failed), status=failed.status) from failed
            raise
        return read(_ANSWER, answer)
