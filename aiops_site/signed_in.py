"""Where a person is signed in, and signing out there."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.dateparse import parse_datetime

NOTE = "signed_in"
MOST_LOOKED_AT = 5_000
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`name` stands for the session's key, which opens it and so is shown to nobody."""

    name: str
    at: datetime | None
    address: str
    browser: str
    ends_at: datetime
    is_here: bool


def note(session: SessionBase, *, address: str, agent: str) -> None:
    """At signing in: what its owner will know this session by."""
    session[NOTE] = {
        "at": timezone.now().isoformat(),
        "address": address,
        "browser": browser_of(agent),
    }


def sessions_of(person: User, *, here: str | None) -> list[SignedIn]:
    """Newest first. `here` is the key of the session that asks. Whose a session is stands in its
    content, so this reads all of them, up to `MOST_LOOKED_AT`."""
    found = [_read(session, here) for session in _open_sessions(person)]
    return sorted(found, key=lambda each: (each.is_here, each.ends_at), reverse=True)


def sign_out(person: User, *, name: str) -> int:
    """Of one session of this person; returns how many were ended."""
    return _end([each for each in _open_sessions(person) if _name(each) == name])


def sign_out_elsewhere(person: User, *, here: str | None) -> int:
    return _end([each for each in _open_sessions(person) if each.session_key != here])


def browser_of(agent: str) -> str:
    """For example "Firefox on Linux": only words of ours, whatever the header says."""
    browser = next((name for mark, name in _BROWSERS if f"{mark}/" in agent), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, agent)), "")
    return " on ".join(word for word in (browser, system) if word) or "Unknown browser"


def _open_sessions(person: User) -> list[Session]:
    newest = Session.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date")
    owner = str(person.pk)
    return [
        session
        for session in newest[:MOST_LOOKED_AT]
        if session.get_decoded().get(SESSION_KEY) == owner
    ]


def _read(session: Session, here: str | None) -> SignedIn:
    noted = session.get_decoded().get(NOTE, {})
    return SignedIn(
        name=_name(session),
        at=parse_datetime(noted.get("at", "")),
        address=noted.get("address", ""),
        browser=noted.get("browser", "Unknown browser"),
        ends_at=session.expire_date,
        is_here=session.session_key == here,
    )


def _name(session: Session) -> str:
    return hashlib.sha256(session.session_key.encode()).hexdigest()[:16]


def _end(sessions: list[Session]) -> int:
    keys = [session.session_key for session in sessions]
    return Session.objects.filter(session_key__in=keys).delete()[0]
