"""A delivery as it came; reading it again, or throwing away what nothing can be made of."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from incidents import inbox, tasks
from incidents.explaining import explain
from incidents.mapping_form import LONGEST_SAMPLE, pretty
from incidents.models import Integration, Message
from telemetry.access import requires

MOST_AT_ONCE = 1000


@require_GET
@requires("incidents.view_message")
def delivery(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    message = _find(pk, number)
    body = bytes(message.body)
    context = {
        "message": message,
        "integration": message.integration,
        "explanation": explain(message),
        "body": pretty(body),
        "size": len(body),
        "is_cut": len(body) > LONGEST_SAMPLE,
        "may_replay": request.user.has_perm("incidents.change_message"),
    }
    return render(request, "sources/delivery.html", context)


@require_POST
@requires("incidents.change_message")
def replay(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Reads it again, for example after the mapping was mended."""
    message = _find(pk, number)
    inbox.replay(message)
    tasks.drain_inbox.delay_on_commit()
    messages.success(request, f"Delivery {message.pk} is being read again.")
    return redirect("source-delivery", pk=pk, number=number)


@require_POST
@requires("incidents.change_message")
def settle_all(request: HttpRequest, pk: int) -> HttpResponse:
    """All dead letters of a source at once, up to `MOST_AT_ONCE`: `deed` is retry or discard."""
    get_object_or_404(Integration, pk=pk)
    dead = Message.objects.dead().filter(integration=pk).order_by("pk")
    ids = list(dead.values_list("pk", flat=True)[:MOST_AT_ONCE])
    if request.POST.get("deed") == "discard":
        dead.filter(pk__in=ids).delete()
        messages.success(request, f"{len(ids)} dead letters were discarded.")
        return redirect("source-dead", pk=pk)
    with transaction.atomic():
        for message in dead.only("pk").filter(pk__in=ids):
            inbox.replay(message)
    tasks.drain_inbox.delay_on_commit()
    messages.success(request, f"{len(ids)} deliveries are being read again.")
    return redirect("source", pk=pk)


@require_POST
@requires("incidents.change_message")
def discard(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """For ever. Only of what could not be read: the rest is evidence."""
    gone, _ = Message.objects.dead().filter(pk=number, integration=pk).delete()
    if gone:
        messages.success(request, f"Delivery {number} was discarded.")
    else:
        messages.error(request, f"Delivery {number} is not a dead letter; it stays.")
    return redirect("source-dead", pk=pk)


def _find(pk: int, number: int) -> Message:
    return get_object_or_404(
        Message.objects.select_related("integration"), pk=number, integration=pk
    )
