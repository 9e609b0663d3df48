"""The views over the list: each is a search, so that the address says all there is to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Q
from django.urls import reverse

from incidents.models import Incident, SavedView
from incidents.query_tokens import QuerySyntaxError
from incidents.views.language import read

_ACTIVE = "status:[open,investigating,identified,monitoring]"
_GRAVEST = "sort:-severity,-opened"
VIEWS = (
    ("needs-action", "Needs action", f"{_ACTIVE} -is:snoozed {_GRAVEST}"),
    ("mine", "Mine", f"{_ACTIVE} owner:me {_GRAVEST}"),
    ("unassigned", "Unassigned", f"{_ACTIVE} owner:none {_GRAVEST}"),
    ("approval", "Awaiting approval", f"{_ACTIVE} next:approval {_GRAVEST}"),
    ("resolved", "Resolved, 24 h", "status:[resolved,closed] resolved:>-24h sort:-opened"),
)
DEFAULT = VIEWS[0][2]


@dataclass(frozen=True, slots=True)
class Tab:
    """`saved` is the view a person kept; `is_own` lets its owner delete it."""

    key: str
    title: str
    url: str
    is_current: bool
    count: int | None = None
    saved: SavedView | None = None
    is_own: bool = False


def url_of(query: str) -> str:
    return f"{reverse('incidents')}?{urlencode({'q': query})}"


def tabs_for(user: AbstractBaseUser | AnonymousUser, query: str) -> list[Tab]:
    counts = _counts(user)
    own = [
        Tab(key, title, url_of(text), _is_same(text, query), counts[key.replace("-", "_")])
        for key, title, text in VIEWS
    ]
    return [*own, *_saved(user, query)]


def _saved(user: AbstractBaseUser | AnonymousUser, query: str) -> Iterable[Tab]:
    views = SavedView.objects.filter(Q(owner=user.pk) | Q(is_shared=True)).select_related("owner")
    for view in views:
        yield Tab(
            f"saved-{view.pk}",
            view.name,
            url_of(view.query),
            _is_same(view.query, query),
            saved=view,
            is_own=view.owner_id == user.pk,
        )


def _counts(user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """All five in one look at the table."""
    wanted = {
        key.replace("-", "_"): Count("pk", filter=read(text, user).where) for key, _, text in VIEWS
    }
    return Incident.objects.aggregate(**wanted)


def is_readable(query: str, user: AbstractBaseUser | AnonymousUser) -> bool:
    try:
        read(query, user)
    except QuerySyntaxError:
        return False
    return True


def _is_same(one: str, other: str) -> bool:
    return sorted(one.split()) == sorted(other.split())
