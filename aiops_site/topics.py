"""What a page can listen to, who may, and how the log behind a topic is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from aiops_site.presence import Viewer
from aiops_site.sessions import SessionStore
from automation.models import Execution
from automation.streams import execution_frames
from incidents.models import Incident
from incidents.timeline import timeline_frames
from telemetry.models import Service
from telemetry.streams import point_frames

Read = Callable[[str, int, int], list[dict[str, Any]]]


@dataclass(frozen=True)
class Kind:
    """`read(key, after, limit)` gives the frames after a seq; None for what is only poked."""

    permission: str
    read: Read | None = None
    exists: Callable[[str], bool] | None = None
    shows_viewers: bool = False


@dataclass(frozen=True)
class Topic:
    """A topic as asked for. `group` is the channel layer's name for it."""

    name: str
    group: str
    key: str
    permission: str
    read: Read | None
    exists: Callable[[str], bool] | None
    shows_viewers: bool


KINDS: dict[str, Kind] = {
    "incident": Kind(
        "incidents.view_incident",
        timeline_frames,
        lambda key: _is_number(key) and Incident.objects.filter(number=int(key)).exists(),
        shows_viewers=True,
    ),
    "series": Kind(
        "telemetry.view_series",
        point_frames,
        lambda key: Service.objects.filter(slug=key).exists(),
    ),
    "execution": Kind(
        "automation.view_execution",
        execution_frames,
        lambda key: _is_number(key) and Execution.objects.filter(pk=int(key)).exists(),
    ),
    "incidents": Kind("incidents.view_incident"),
    "approvals": Kind("automation.view_remediation"),
    "sources": Kind("incidents.view_integration"),
}


def parse(name: str) -> Topic | None:
    """None for a topic there is not."""
    kind_name, _, key = name.partition(":")
    kind = KINDS.get(kind_name)
    if kind is None or bool(key) != (kind.read is not None) or not _is_plain(key):
        return None
    group = f"{kind_name}.{key}" if key else kind_name
    return Topic(name, group, key, kind.permission, kind.read, kind.exists, kind.shows_viewers)


def is_signed_in(session: SessionBase) -> bool:
    return _user(session).is_authenticated


def may_see(session: SessionBase, topic: Topic) -> bool:
    user = _user(session)
    return user.has_perm(topic.permission) and (topic.exists is None or topic.exists(topic.key))


def viewer(session: SessionBase) -> Viewer | None:
    user = _user(session)
    return Viewer(user.pk, user.get_full_name() or user.username) if user.is_authenticated else None


def _user(session: SessionBase) -> User | AnonymousUser:
    """Read anew each time, so that signing out elsewhere and losing a role count."""
    request = HttpRequest()
    request.session = SessionStore(session.session_key)
    user: User | AnonymousUser = get_user(request)
    return user


def _is_plain(key: str) -> bool:
    return len(key) <= 80 and all(letter.isalnum() or letter in "-_" for letter in key)


def _is_number(key: str) -> bool:
    """A thing has one name: 01 is not another one for 1, nor is a 1 in other digits."""
    return key.isdecimal() and str(int(key)) == key
