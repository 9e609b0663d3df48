"""Ask the sources there are, the console's own store among them, from wherever one is."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from telemetry import asking_loop, own_metrics, own_records
from telemetry.data_sources import BUILTIN, abilities_of, language_of, secrets_of
from telemetry.models import DataSource
from telemetry.outbound_allowed import guard
from telemetry.sources import SOURCES
from telemetry.sources.asker import HttpAsker
from telemetry.sources.base import Ability, Language, Source, SourceFailed
from telemetry.sources.breaker import Reach
from telemetry.sources.builtin import Builtin

logger = logging.getLogger(__name__)

USUAL_SECONDS = 5.0
CHECK_SECONDS = 3.0  # alerts wait for the same workers
NOTED_EVERY = timedelta(seconds=10)
CHECKED_EVERY = timedelta(seconds=50)
LATE = "It did not answer in the time it was given."
T = TypeVar("T")
Question = Callable[[Source], Coroutine[Any, Any, T]]
"""For example `lambda source: source.metrics("up", stretch, 15_000)`."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """`value` is None where `failed` is not; `problem` says why, in words for a person."""

    source: DataSource
    value: T | None
    took_ms: int
    failed: SourceFailed | None = None

    @property
    def problem(self) -> str:
        return str(self.failed) if self.failed else ""


def sources_that(ability: Ability, language: Language = "") -> list[DataSource]:
    """The built-in store first, then by name; those only that take the language, if one is given.

    A paused source is not among them.
    """
    every = [BUILTIN, *DataSource.objects.filter(is_enabled=True)]
    able = [each for each in every if ability in abilities_of(each)]
    return [each for each in able if language in ("", language_of(each))]


def ask(source: DataSource, question: Question[T], *, seconds: float = USUAL_SECONDS) -> T:
    """One source. Raises SourceFailed."""
    if not source.is_enabled:
        raise SourceFailed(f"{source} is paused.")
    (answer,) = _ask_each([source], question, seconds)
    if answer.failed:
        raise answer.failed
    return answer.value  # type: ignore[return-value]


def ask_all(
    ability: Ability,
    question: Question[T],
    *,
    seconds: float = USUAL_SECONDS,
    language: Language = "",
) -> list[Answer[T]]:
    """All that can answer, at the same time; what fails is an answer too, and nothing is raised."""
    return _ask_each(sources_that(ability, language), question, seconds)


async def aask_all(
    ability: Ability,
    question: Question[T],
    *,
    seconds: float = USUAL_SECONDS,
    language: Language = "",
) -> list[Answer[T]]:
    """As `ask_all`, for code that runs on a loop."""
    return await sync_to_async(ask_all)(ability, question, seconds=seconds, language=language)


def check_all() -> None:
    """Asks every source that nobody has asked for a while what it is, so that pages tell the
    truth about it; all at the same time."""
    now = timezone.now()
    enabled = DataSource.objects.filter(is_enabled=True)
    silent = [each for each in enabled if not _is_noted_lately(each, now, CHECKED_EVERY)]
    _ask_each(silent, _check, CHECK_SECONDS)


def try_out(source: DataSource, *, seconds: float = USUAL_SECONDS) -> Answer[str]:
    """What answers there, right now: also of a paused source, and of one that others spare."""
    answer: Answer[str] = asking_loop.run(_answered(source, _check, seconds, Reach()))
    _note(source, answer.problem, timezone.now())
    return answer


def _check(source: Source) -> Coroutine[Any, Any, str]:
    return source.check()


def _ask_each(
    sources: Sequence[DataSource], question: Question[T], seconds: float
) -> list[Answer[T]]:
    answers = asking_loop.run(_all_answered(sources, question, seconds))
    now = timezone.now()
    for answer in answers:
        if not _is_noted_lately(answer.source, now):
            _note(answer.source, _problem_of_source(answer), now)
    return answers


async def _all_answered(
    sources: Sequence[DataSource], question: Question[T], seconds: float
) -> list[Answer[T]]:
    each = (_answered(source, question, seconds, _reach_of(source)) for source in sources)
    return list(await asyncio.gather(*each))


async def _answered(
    source: DataSource, question: Question[T], seconds: float, reach: Reach
) -> Answer[T]:
    began = time.monotonic()
    value, failed = None, None
    try:
        async with asyncio.timeout(seconds + 0.5):  # the asker itself knows more of why it is late
            value = await question(_plugin(source, seconds, reach))
    except SourceFailed as error:
        failed = error
    except TimeoutError:
        failed = SourceFailed(LATE, is_passing=True)
    except NotImplementedError:
        failed = SourceFailed(f"{source} cannot tell that.", is_about_question=True)
    return Answer(source, value, round((time.monotonic() - began) * 1000), failed)


def _plugin(source: DataSource, seconds: float, reach: Reach) -> Source:
    if source.kind == Builtin.slug:
        return Builtin(own_metrics.store(), own_records.logs(), own_records.spans())
    if source.kind not in SOURCES:
        raise SourceFailed(f"There is no kind of source named {source.kind} here.")
    kind = SOURCES[source.kind]
    asker = HttpAsker(
        url=source.url,
        auth=kind.auth(source.options, secrets_of(source)),
        guard=guard(),
        reach=reach,
        ends_at=asyncio.get_running_loop().time() + seconds,
        reason_in=kind.reason_in,
    )
    return kind(asker, source.options)


_reaches: dict[tuple[int | None, str], Reach] = {}


def _reach_of(source: DataSource) -> Reach:
    """Another address is another server, whose failures are its own."""
    return _reaches.setdefault((source.pk, source.url), Reach())


def _is_noted_lately(source: DataSource, now: datetime, within: timedelta = NOTED_EVERY) -> bool:
    told = [at for at in (source.answered_at, source.failed_at) if at]
    return bool(told) and now - max(told) < within


def _problem_of_source(answer: Answer[Any]) -> str:
    """A question that was wrong was answered all the same."""
    is_well = answer.failed is None or answer.failed.is_about_question
    return "" if is_well else answer.problem


def _note(source: DataSource, problem: str, now: datetime) -> None:
    if source.pk is None:
        return
    source.problem = problem[:500]
    if problem:
        source.failed_at = now
    else:
        source.answered_at = now
    columns = ("answered_at", "failed_at", "problem")
    kept = {name: getattr(source, name) for name in columns}
    try:
        DataSource.objects.filter(pk=source.pk).update(**kept)
    except DatabaseError as error:
        logger.warning("How %s answered could not be kept: %s", source, error)
