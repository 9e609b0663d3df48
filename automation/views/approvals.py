"""The inbox of plans that wait for somebody, and of those that were decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from automation import approval
from automation.approval import HeldBack, MayNot, PlanChanged
from automation.models import Approval, PolicyDecision, Remediation
from automation.views.asking import PersonRequest, key_of, sent_on
from automation.views.cards import RELATED, Card, card_of
from telemetry.access import requires

PAGE = 50
Status = Remediation.Status
TABS = {
    "mine": "Waiting for me",
    "requested": "Requested by me",
    "waiting": "All waiting",
    "decided": "Decided",
    "expired": "Expired",
}
EMPTY = {
    "mine": "Nothing is waiting for you",
    "requested": "You have asked for nothing yet",
    "waiting": "Nothing is waiting",
    "decided": "Nothing has been decided yet",
    "expired": "No plan has expired",
}


@dataclass(frozen=True)
class Inbox:
    page: Page[Remediation]
    rows: list[Remediation]
    card: Card | None
    position: int


@require_GET
@requires("automation.view_remediation")
def approvals(request: PersonRequest) -> HttpResponse:
    tab = _tab(request)
    inbox = _inbox(request, tab)
    rows = inbox.rows
    context = {
        "tabs": [(name, words, _count(request, name)) for name, words in TABS.items()],
        "tab": tab,
        "words": TABS[tab],
        "page": inbox.page,
        "rows": rows,
        "card": inbox.card,
        "position": inbox.position + 1,
        "following": rows[(inbox.position + 1) % len(rows)] if rows else None,
        "ran_today": _ran_today(),
        "may_reject": request.user.has_perm("automation.approve_remediation"),
        "is_waiting": tab in ("mine", "waiting"),
        "now": timezone.now(),
        "empty": EMPTY[tab],
        "wide": True,
        "show_incident": True,
        "next": reverse("approvals"),
    }
    return render(request, "automation/approvals.html", context)


@require_GET
@requires("automation.view_remediation")
def row(request: PersonRequest, pk: int) -> HttpResponse:
    """One line of the list `tab` beside the card of `plan`; 404 once it is no longer in it."""
    tab = _tab(request)
    found = _rows(request, tab).filter(pk=pk).first()
    if found is None:
        raise Http404("It is not in this list any more.")
    is_chosen = request.GET.get("plan") == str(pk)
    context = {"row": found, "tab": tab, "now": timezone.now(), "chosen": pk if is_chosen else None}
    return render(request, "automation/approval_row.html", context)


@require_POST
@requires("automation.approve_remediation")
def reject_several(request: PersonRequest) -> HttpResponse:
    """All of `plans`, each as `<id>:<plan hash>`, for one reason. There is no approving several."""
    reason = request.POST.get("reason", "").strip()
    chosen = [plan.partition(":") for plan in request.POST.getlist("plans")]
    rejected = sum(_reject(request, key_of(pk), plan_hash, reason) for pk, _, plan_hash in chosen)
    left = len(chosen) - rejected
    text = f"Rejected {rejected} plan{'s' if rejected != 1 else ''}."
    if left:
        text += f" {left} had changed or been decided, and stay as they are."
    return sent_on(
        request,
        reverse("approvals"),
        text if reason else "Nothing was rejected: a reason is needed.",
    )


def _reject(request: PersonRequest, pk: int | None, plan_hash: str, reason: str) -> bool:
    if pk is None:
        return False
    try:
        approval.reject(pk, plan_hash=plan_hash, by=request.user, reason=reason)
    except (PlanChanged, MayNot, HeldBack, Remediation.DoesNotExist):
        return False
    return True


def _tab(request: PersonRequest) -> str:
    tab = request.GET.get("tab", "mine")
    if tab not in TABS:
        raise Http404("There is no such tab.")
    return tab


def _inbox(request: PersonRequest, tab: str) -> Inbox:
    page = Paginator(_rows(request, tab), PAGE).get_page(request.GET.get("page"))
    rows = list(page.object_list)
    wanted = request.GET.get("plan", "")
    position = next((at for at, each in enumerate(rows) if str(each.pk) == wanted), None)
    if position is None and (pk := key_of(wanted)) is not None:
        elsewhere = Remediation.objects.filter(pk=pk).select_related(*RELATED).first()
        return Inbox(page, rows, card_of(elsewhere, request.user) if elsewhere else None, 0)
    if wanted == "list" or not rows:
        return Inbox(page, rows, None, 0)
    return Inbox(page, rows, card_of(rows[position or 0], request.user), position or 0)


def _rows(request: PersonRequest, tab: str) -> QuerySet[Remediation]:
    now = timezone.now()
    if tab == "decided":
        decided = Remediation.objects.exclude(status__in=(Status.PROPOSED, Status.EXPIRED))
        return _counted(decided).order_by("-decided_at", "-pk")
    if tab == "expired":
        over = Q(status=Status.EXPIRED) | Q(status=Status.PROPOSED, expires_at__lte=now)
        return _counted(Remediation.objects.filter(over)).order_by("-expires_at")
    if tab == "requested":
        return _counted(Remediation.objects.filter(requested_by=request.user)).order_by("-pk")
    waiting = _counted(_waiting(now)).order_by("expires_at", "pk")
    return _for(request, waiting) if tab == "mine" else waiting


def _waiting(at: datetime) -> QuerySet[Remediation]:
    return Remediation.objects.filter(status=Status.PROPOSED, expires_at__gt=at)


def _for(request: PersonRequest, waiting: QuerySet[Remediation]) -> QuerySet[Remediation]:
    """Those this person may decide about, as `approval.rule_against` has it."""
    person = request.user
    if not person.has_perm("automation.approve_remediation"):
        return waiting.none()
    own = Q(requested_by=person) | Q(version__author=person)
    decided = Approval.objects.filter(
        remediation=OuterRef("pk"), by=person, plan_hash=OuterRef("plan_hash")
    )
    return waiting.exclude(own, risk__in=approval.TWO_PEOPLE).exclude(Exists(decided))


def _counted(rows: QuerySet[Remediation]) -> QuerySet[Remediation]:
    yes = Count("approvals", filter=Q(approvals__decision="approved"))
    return rows.select_related(*RELATED).annotate(approval_count=yes)


def _count(request: PersonRequest, tab: str) -> int | None:
    """Of the lists in which something is still to be done."""
    return _rows(request, tab).count() if tab in ("mine", "waiting") else None


def _ran_today() -> dict[str, Any]:
    since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ran = PolicyDecision.objects.filter(outcome=PolicyDecision.Outcome.RAN, at__gte=since)
    return {"count": ran.count()}
