"""Dashboards are made, changed under a lock that is none, restored, copied and shared."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import slugify

from aiops_site.dashboards.checking import demand_queries
from aiops_site.dashboards.document import Document, load, numbered, plain
from aiops_site.dashboards.models import Dashboard, DashboardVersion

LONGEST_SLUG = 60
TRIES = 5
MOST_VERSIONS = 200
RESERVED = {"new", "import", "preview", "schema"}  # pages of their own


class ChangedMeanwhile(Exception):
    """Somebody saved another version since the one that was changed. `version` is the newest."""

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__(
            f"{dashboard.title} was changed meanwhile; its newest version is {dashboard.version}."
        )
        self.version = dashboard.version


def document_of(dashboard: Dashboard, number: int | None = None) -> Document:
    """Of its newest version, or of that number. Raises Http404."""
    wanted = dashboard.version if number is None else number
    kept = get_object_or_404(DashboardVersion, dashboard=dashboard, number=wanted)
    return load(kept.document)


def create(
    document: Document,
    *,
    owner: User | None,
    is_shared: bool = False,
    is_starter: bool = False,
    reason: str = "",
) -> Dashboard:
    """Raises NotADashboard when a query cannot be read."""
    demand_queries(document)
    facts = {"owner": owner, "is_shared": is_shared, "is_starter": is_starter}
    for _ in range(TRIES - 1):
        try:
            return _created(document, facts, reason)
        except IntegrityError:
            continue  # somebody took the same name meanwhile
    return _created(document, facts, reason)


@transaction.atomic
def save(
    dashboard: Dashboard, document: Document, *, based_on: int, by: User, reason: str = ""
) -> Dashboard:
    """A new version, unless nothing is different.

    Raises ChangedMeanwhile when `based_on` is no longer the newest, NotADashboard as `create`.
    """
    demand_queries(document)
    locked = Dashboard.objects.select_for_update().get(pk=dashboard.pk)
    if locked.version != based_on:
        raise ChangedMeanwhile(locked)
    document = numbered(document)
    if plain(document_of(locked)) == plain(document):
        return locked
    for name, value in _facts(document, timezone.now()).items():
        setattr(locked, name, value)
    locked.version += 1
    locked.save()
    _write(locked, document, author=by, reason=reason)
    locked.versions.filter(number__lte=locked.version - MOST_VERSIONS).delete()
    return locked


@transaction.atomic
def restore(dashboard: Dashboard, number: int, *, by: User) -> Dashboard:
    """What an old version says becomes the newest one. Raises Http404 when there is none."""
    locked = Dashboard.objects.select_for_update().get(pk=dashboard.pk)
    old = document_of(locked, number)
    return save(locked, old, based_on=locked.version, by=by, reason=f"Restored v{number}")


def copy(dashboard: Dashboard, *, by: User) -> Dashboard:
    """Of one's own, and for nobody else at first."""
    document = document_of(dashboard)
    title = f"{document.title[:105]} (copy)"
    renamed = document.model_copy(update={"title": title})
    return create(renamed, owner=by, reason=f"Copied from {dashboard.title}"[:200])


def share(dashboard: Dashboard, *, is_shared: bool) -> Dashboard:
    dashboard.is_shared = is_shared
    dashboard.save(update_fields=["is_shared"])
    return dashboard


@transaction.atomic
def _created(document: Document, facts: dict[str, Any], reason: str) -> Dashboard:
    slug, known = _free_slug(document.title), _facts(document, timezone.now())
    dashboard = Dashboard.objects.create(slug=slug, **facts, **known)
    _write(dashboard, document, author=facts["owner"], reason=reason)
    return dashboard


def _write(dashboard: Dashboard, document: Document, *, author: User | None, reason: str) -> None:
    dashboard.versions.create(
        number=dashboard.version, document=plain(document), author=author, reason=reason
    )


def _facts(document: Document, now: datetime) -> dict[str, str | int | datetime]:
    """What lists and searches need to know of it."""
    return {
        "title": document.title,
        "description": document.description,
        "panel_count": len(document.panels),
        "changed_at": now,
    }


def _free_slug(title: str) -> str:
    base = slugify(title)[:LONGEST_SLUG].strip("-") or "dashboard"
    alike = Dashboard.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    taken = RESERVED.union(alike)
    numbers = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(each for each in numbers if each not in taken)
