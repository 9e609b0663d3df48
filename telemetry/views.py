"""The services: how each is doing, and one with its charts and who depends on whom."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from telemetry import service_query
from telemetry.access import requires
from telemetry.forms import ServiceForm
from telemetry.models import Anomaly, Dependency, Service
from telemetry.vital_signs import KINDS, Vital, vitals_of

SHOWN = 200
LISTED = ("latency", "errors")
SHOWN_ANOMALIES = 10


@require_GET
@requires("telemetry.view_service")
def services(request: HttpRequest) -> HttpResponse:
    """The template puts the worst first: what is wrong is known to the app above this one."""
    query = request.GET.get("q", "")
    context: dict[str, Any] = {"query": query, "total": Service.objects.count()}
    try:
        found = Service.objects.filter(service_query.read(query))
    except service_query.CannotRead as error:
        return render(request, "services/list.html", {**context, "error": str(error)}, status=400)
    context |= {"rows": _with_vitals(list(found[:SHOWN])), "found": found.count()}
    part = "services/_table.html" if request.headers.get("HX-Request") else "services/list.html"
    return render(request, part, context)


@require_GET
@requires("telemetry.view_service")
def service(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, _find(slug), ServiceForm(instance=_find(slug)))


@require_POST
@requires("telemetry.change_service")
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    form = ServiceForm(request.POST, instance=_find(slug))
    if not form.is_valid():
        return _page(request, _find(slug), form, code=422)
    form.save()
    messages.success(request, f"{slug} is saved.")
    return redirect("service", slug=slug)


@require_POST
@requires("telemetry.add_dependency")
def add_dependency(request: HttpRequest, slug: str) -> HttpResponse:
    """`callee` is the slug of a service that this one calls."""
    caller = _find(slug)
    callee = Service.objects.filter(slug=request.POST.get("callee", "")).first()
    if callee is None:
        messages.error(request, "Choose the service it calls.")
        return redirect("service", slug=slug)
    dependency = Dependency(caller=caller, callee=callee)
    try:
        dependency.full_clean()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        dependency.save()
        messages.success(request, f"{caller} calls {callee}.")
    return redirect("service", slug=slug)


@require_POST
@requires("telemetry.delete_dependency")
def remove_dependency(request: HttpRequest, slug: str, callee: str) -> HttpResponse:
    Dependency.objects.filter(caller__slug=slug, callee__slug=callee).delete()
    messages.success(request, f"{slug} no longer calls {callee}.")
    return redirect("service", slug=slug)


def _page(
    request: HttpRequest, shown: Service, form: ServiceForm, *, code: int = 200
) -> HttpResponse:
    now = timezone.now()
    vitals = vitals_of([shown.pk], now).get(shown.pk, {})
    anomalies = Anomaly.objects.filter(series__service=shown).select_related("series")
    callees = list(shown.calls.order_by("slug"))
    others = Service.objects.exclude(Q(pk=shown.pk) | Q(pk__in=[c.pk for c in callees]))
    signs = [vitals[kind] for kind in KINDS if kind in vitals]
    has_wide = len(signs) % 2 == 1  # in two columns none stands alone
    context = {
        "service": shown,
        "form": form,
        "charts": [(sign, has_wide and not index) for index, sign in enumerate(signs)],
        "missing": [title for kind, title in KINDS.items() if kind not in vitals],
        "callees": callees,
        "callers": shown.called_by.order_by("slug"),
        "others": others.order_by("slug")[:SHOWN],
        "anomalies": anomalies[:SHOWN_ANOMALIES],
        "may_change": request.user.has_perm("telemetry.change_service"),
        "may_connect": request.user.has_perm("telemetry.add_dependency"),
    }
    return render(request, "services/detail.html", context, status=code)


def _with_vitals(found: list[Service]) -> list[tuple[Service, dict[str, Vital]]]:
    vitals = vitals_of([each.pk for each in found], timezone.now(), LISTED)
    return [(each, vitals.get(each.pk, {})) for each in found]


def _find(slug: str) -> Service:
    return get_object_or_404(Service, slug=slug)
