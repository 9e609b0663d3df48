"""The sources that are asked in place, as rows: what each can do, its secrets and how it is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import httpx
import orjson
from cryptography.fernet import InvalidToken
from django.core.exceptions import ValidationError

from telemetry.credentials import decrypt, encrypt
from telemetry.models import DataSource
from telemetry.sources import SOURCES
from telemetry.sources.base import Ability, Language, Setting, Source, SourceFailed
from telemetry.sources.builtin import Builtin

State = Literal["answering", "failing", "late", "paused"]
LATE_AFTER = timedelta(minutes=5)
LONGEST = 4_000

BUILTIN = DataSource(name=Builtin.slug, kind=Builtin.slug)
"""The console's own store is a source like the others, without a row: nobody can delete it."""


def abilities_of(source: DataSource) -> frozenset[Ability]:
    return _class_of(source).abilities if _is_known(source) else frozenset()


def language_of(source: DataSource) -> Language:
    """The one in which its metrics are asked for."""
    return _class_of(source).language if _is_known(source) else ""


def title_of(source: DataSource) -> str:
    """Of its kind."""
    return _class_of(source).title if _is_known(source) else source.kind


def settings_of(kind: str) -> tuple[Setting, ...]:
    return SOURCES[kind].settings if kind in SOURCES else ()


def demand_address(url: str) -> str:
    """The address without a slash at its end. Raises ValidationError."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ValidationError("That is not a web address that can be read.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValidationError("Write an address that starts with http:// or https://.")
    if parsed.userinfo or "@" in url.partition("://")[2].partition("/")[0]:
        raise ValidationError("Put credentials into their own fields, not into the address.")
    if parsed.query or parsed.fragment:
        raise ValidationError("Leave out what follows ? or #.")
    return url.rstrip("/")


def configure(
    source: DataSource,
    *,
    url: str,
    options: Mapping[str, str],
    secrets: Mapping[str, str],
) -> None:
    """Fills the row, without saving it. A secret that is given replaces, an empty one forgets,
    and one that is left out stays, unless the address leads elsewhere: nobody who may not read a
    secret may have it sent to himself. Raises ValidationError.
    """
    url = demand_address(url)
    settings = settings_of(source.kind)
    known = {} if _leads_elsewhere(source.url, url) else _readable_secrets(source)
    _demand_known({setting.name: setting for setting in settings}, options, secrets)
    kept = {name: text for name, text in {**known, **secrets}.items() if text}
    told = {name: text for name, text in options.items() if text}
    for setting in settings:
        if setting.is_required and not {**told, **kept}.get(setting.name):
            raise ValidationError(f"{setting.label} is needed; type it (again).")
    source.url, source.options, source.secret = url, told, _seal(source, kept)


def secrets_of(source: DataSource) -> dict[str, str]:
    """By the names of the kind's secret settings. Raises SourceFailed."""
    if not source.secret:
        return {}
    try:
        secrets: dict[str, str] = orjson.loads(decrypt(source.secret))
    except InvalidToken as error:
        words = "Its secrets cannot be read with this installation's key; set them anew."
        raise SourceFailed(words) from error
    return secrets


def names_of_secrets(source: DataSource) -> list[str]:
    """Of those that are set and can be read."""
    return sorted(_readable_secrets(source))


def state_of(source: DataSource, now: datetime) -> State:
    """Late is a source that has told nothing for five minutes, neither an answer nor a failure."""
    if not source.is_enabled:
        return "paused"
    if source.pk is None:
        return "answering"
    told = [at for at in (source.answered_at, source.failed_at) if at]
    if not told or now - max(told) > LATE_AFTER:
        return "late"
    return "failing" if max(told) == source.failed_at else "answering"


def _leads_elsewhere(before: str, now: str) -> bool:
    old, new = httpx.URL(before), httpx.URL(now)
    return (old.scheme, old.host, old.port) != (new.scheme, new.host, new.port)


def _readable_secrets(source: DataSource) -> dict[str, str]:
    try:
        return secrets_of(source)
    except SourceFailed:
        return {}


def _seal(source: DataSource, kept: Mapping[str, str]) -> str:
    """What did not change stays as it is written."""
    if kept == _readable_secrets(source):
        return source.secret if kept else ""
    return encrypt(orjson.dumps(kept).decode()) if kept else ""


def _demand_known(
    settings: Mapping[str, Setting], options: Mapping[str, str], secrets: Mapping[str, str]
) -> None:
    for given, is_secret in ((options, False), (secrets, True)):
        for name, text in given.items():
            if name not in settings or settings[name].is_secret is not is_secret:
                raise ValidationError(f"This kind of source has no such setting: {name[:40]}")
            if len(text) > LONGEST or not text.isprintable():
                words = f"{settings[name].label} must be one line of at most {LONGEST} characters."
                raise ValidationError(words)


def _is_known(source: DataSource) -> bool:
    return source.kind == Builtin.slug or source.kind in SOURCES


def _class_of(source: DataSource) -> type[Source]:
    return Builtin if source.kind == Builtin.slug else SOURCES[source.kind]
