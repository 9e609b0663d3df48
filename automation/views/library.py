"""How each runbook has been doing, counted in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from automation.document_models import RunbookDocument
from automation.models import Execution, Remediation, Runbook, RunbookVersion
from automation.views.documents import readable

RECENT = timedelta(days=30)
STALE = timedelta(days=180)
Status = Remediation.Status
WORKED = (Status.SUCCEEDED,)
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.ROLLED_BACK)


@dataclass(frozen=True)
class Shelf:
    """`tries` and `worked` are of the last 30 days."""

    runbook: Runbook
    document: RunbookDocument | None
    latest: int
    last_run_at: datetime | None
    tries: int
    worked: int
    policies: int
    is_stale: bool

    @property
    def risk(self) -> str:
        return self.document.risk if self.document else ""

    @property
    def rate(self) -> int | None:
        return round(100 * self.worked / self.tries) if self.tries else None


@dataclass(frozen=True)
class Search:
    """Empty is no condition. `risk` is of the published version."""

    words: str = ""
    risk: str = ""
    owner: str = ""
    tag: str = ""

    def finds(self, shelf: Shelf) -> bool:
        runbook = shelf.runbook
        said = " ".join([runbook.name, runbook.description, runbook.owner, *runbook.tags]).lower()
        return (
            all(word in said for word in self.words.lower().split())
            and self.risk in ("", shelf.risk)
            and self.owner in ("", runbook.owner)
            and (not self.tag or self.tag in runbook.tags)
        )

    @property
    def filters(self) -> list[str]:
        return [f"{name}:{value}" for name, value in vars(self).items() if value]


def shelves() -> list[Shelf]:
    """The whole library, by name."""
    now = timezone.now()
    runbooks = _counted(Runbook.objects.select_related("published"), now).order_by("name")
    return [_shelf(runbook, now) for runbook in runbooks]


def shelf_of(runbook: Runbook) -> Shelf:
    now = timezone.now()
    found = _counted(Runbook.objects.select_related("published"), now).get(pk=runbook.pk)
    return _shelf(found, now)


def _counted(runbooks: QuerySet[Runbook], now: datetime) -> QuerySet[Runbook]:
    recent = Q(remediations__execution__started_at__gt=now - RECENT)
    newest = RunbookVersion.objects.filter(runbook=OuterRef("pk")).order_by("-number")
    return runbooks.annotate(
        latest_number=Subquery(newest.values("number")[:1]),
        latest_at=Subquery(newest.values("created_at")[:1]),
        last_run_at=Max("remediations__execution__started_at"),
        tries=Count(
            "remediations", filter=recent & Q(remediations__status__in=ENDED), distinct=True
        ),
        worked=Count(
            "remediations", filter=recent & Q(remediations__status__in=WORKED), distinct=True
        ),
        policy_count=Count("policies", distinct=True),
    )


def _shelf(runbook: Runbook, now: datetime) -> Shelf:
    """`runbook` as `_counted` annotates it."""
    counts = vars(runbook)
    touched = [at for at in (counts["last_run_at"], counts["latest_at"]) if at]
    return Shelf(
        runbook=runbook,
        document=readable(runbook.published),
        latest=counts["latest_number"] or 0,
        last_run_at=counts["last_run_at"],
        tries=counts["tries"],
        worked=counts["worked"],
        policies=counts["policy_count"],
        is_stale=not touched or now - max(touched) > STALE,
    )


def runs_of(runbook: Runbook) -> QuerySet[Execution]:
    runs = Execution.objects.filter(remediation__runbook=runbook)
    return runs.select_related("remediation__incident", "remediation__version").order_by("-pk")
