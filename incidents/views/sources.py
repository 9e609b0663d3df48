"""Who sends alerts: the cards, one source with its deliveries, and connecting another."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from incidents import connecting, rotating, trying_out
from incidents.connecting import CannotConnect, Connected
from incidents.event import AlertStatus
from incidents.instructions import instructions
from incidents.latest import latest_of
from incidents.models import Integration, Message
from incidents.pulse import pulse_of
from incidents.sample_alerts import address_of, every_product, product_for
from telemetry.access import requires

SHOWN_DELIVERIES = 50
COUNTED = 1000
HEAVY = ("body", "headers")


@require_GET
@requires("incidents.view_integration")
def sources(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    pulses = [pulse_of(integration, now) for integration in Integration.objects.all()]
    part = "sources/_cards.html" if request.headers.get("HX-Request") else "sources/list.html"
    return render(request, part, {"pulses": pulses, **_may(request)})


@requires("incidents.view_integration")
def new(request: HttpRequest) -> HttpResponse:
    """The form, and on POST the new source with its token, which is shown this once."""
    if request.method == "POST":
        return _create(request)
    wanted = request.GET.get("provider", "")
    part = "sources/_form.html" if request.headers.get("HX-Request") else "sources/new.html"
    return render(request, part, form_for(request, chosen=wanted))


@require_GET
@requires("incidents.view_integration")
def source(request: HttpRequest, pk: int) -> HttpResponse:
    integration = get_object_or_404(Integration, pk=pk)
    return _listing(request, integration, integration.messages.all(), tab="deliveries")


@require_GET
@requires("incidents.view_integration")
def dead(request: HttpRequest, pk: int) -> HttpResponse:
    """What nothing could be made of, with the reason."""
    integration = get_object_or_404(Integration, pk=pk)
    dead = Message.objects.dead().filter(integration=integration)
    return _listing(request, integration, dead, tab="dead")


@require_GET
@requires("incidents.view_integration")
def latest(request: HttpRequest, pk: int) -> HttpResponse:
    """What arrived last from it and what became of that; fetched again at every poke."""
    integration = get_object_or_404(Integration, pk=pk)
    return render(request, "sources/_latest.html", latest_of(integration))


@require_POST
@requires("incidents.change_integration")
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """With `overlap` the old token works for a day more."""
    integration = get_object_or_404(Integration, pk=pk)
    if not integration.token_prefix:
        raise PermissionDenied("The console's own source has no token to hand out.")
    overlap = rotating.A_DAY if request.POST.get("overlap") else timedelta(0)
    return _show(request, rotating.rotate(integration, overlap=overlap))


@require_POST
@requires("incidents.change_integration")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """`prefix` is how the token begins."""
    integration = get_object_or_404(Integration, pk=pk)
    prefix = request.POST.get("prefix", "")
    try:
        rotating.revoke(integration, prefix=prefix)
    except rotating.CannotRevoke as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The token {prefix}… is revoked.")
    return redirect("source", pk=pk)


@require_POST
@requires("incidents.change_integration")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, or resume; while paused its token is not accepted."""
    integration = get_object_or_404(Integration, pk=pk)
    integration.is_enabled = request.POST.get("to") == "on"
    integration.save(update_fields=["is_enabled"])
    word = "receives again" if integration.is_enabled else "is paused; its token is refused"
    messages.success(request, f"{integration.name} {word}.")
    return redirect("source", pk=pk)


@require_POST
@requires("incidents.change_integration")
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with a sentence; what arrived shows in the panel beneath."""
    integration = get_object_or_404(Integration, pk=pk)
    status: AlertStatus = "resolved" if request.POST.get("status") == "resolved" else "firing"
    token = request.POST.get("token", "").strip()
    try:
        sent = trying_out.send(integration, status, token=token)
    except trying_out.CannotSend as error:
        return _answer(request, pk, {"problem": str(error)}, code=409)
    return _answer(request, pk, {"sent": sent, "status": status}, code=200)


def _answer(request: HttpRequest, pk: int, context: dict[str, Any], *, code: int) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return render(request, "sources/_tried.html", context, status=code)
    if "problem" in context:
        messages.error(request, context["problem"])
    else:
        messages.success(request, "The test alert was sent.")
    return redirect("source", pk=pk)


def _create(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("incidents.add_integration"):
        raise PermissionDenied("incidents.add_integration")
    provider, name = request.POST.get("provider", ""), request.POST.get("name", "").strip()[:100]
    person: User = request.user  # type: ignore[assignment]
    try:
        if not name:
            raise CannotConnect("Give it a name, such as alertmanager-prod.")  # noqa: TRY301
        connected = connecting.connect(provider, name=name, by=person)
    except CannotConnect as error:
        context = form_for(request, chosen=provider, name=name, problem=str(error))
        part = "sources/_form.html" if request.headers.get("HX-Request") else "sources/new.html"
        return render(request, part, context, status=422)
    return _show(request, connected)


def _show(request: HttpRequest, connected: Connected) -> HttpResponse:
    """The token is on this answer only; it is never kept in readable form."""
    part = (
        "sources/_connected.html" if request.headers.get("HX-Request") else "sources/connected.html"
    )
    context = {**instructions(connected), **latest_of(connected.integration), **_may(request)}
    response = render(request, part, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def form_for(
    request: HttpRequest, *, chosen: str, name: str = "", problem: str = ""
) -> dict[str, Any]:
    products = every_product()
    product = next((each for each in products if each.slug == chosen), products[0])
    suggested = name or connecting.free_name(product.slug)
    context = {"products": products, "sender": product, "name": suggested, "problem": problem}
    return {**context, **_may(request)}


def _listing(
    request: HttpRequest, integration: Integration, found: QuerySet[Message], *, tab: str
) -> HttpResponse:
    newest = found.defer(*HEAVY).annotate(size=Length("body")).order_by("-pk")
    product = product_for(integration.provider)
    context = {
        "integration": integration,
        "pulse": pulse_of(integration, timezone.now()),
        "sender": product,
        "address": address_of(product),
        "dead_count": Message.objects.dead().filter(integration=integration)[:COUNTED].count(),
        "deliveries": newest[:SHOWN_DELIVERIES],
        "tab": tab,
        **_may(request),
    }
    is_part = request.headers.get("HX-Request")
    return render(request, "sources/_live.html" if is_part else "sources/detail.html", context)


def _may(request: HttpRequest) -> dict[str, bool]:
    return {
        "may_add": request.user.has_perm("incidents.add_integration"),
        "may_change": request.user.has_perm("incidents.change_integration"),
        "may_replay": request.user.has_perm("incidents.change_message"),
    }
