"""What is done to one service on its pages. The pages themselves are in `service_tabs`."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from telemetry.access import requires
from telemetry.forms import ServiceForm, WatchForm
from telemetry.models import Dependency, Service, Watch
from telemetry.series_names import series_title
from telemetry.service_tabs import draw, find


@require_POST
@requires("telemetry.change_service")
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    form = ServiceForm(request.POST, instance=find(slug))
    if not form.is_valid():
        return draw(request, find(slug), "settings", {"form": form}, code=422)
    form.save()
    messages.success(request, f"{slug} is saved.")
    return redirect("service-settings", slug=slug)


@require_POST
@requires("telemetry.add_dependency")
def add_dependency(request: HttpRequest, slug: str) -> HttpResponse:
    """`callee` is the slug of a service that this one calls."""
    caller = find(slug)
    callee = Service.objects.filter(slug=request.POST.get("callee", "")).first()
    if callee is None:
        messages.error(request, "Choose the service it calls.")
        return redirect("service-dependencies", slug=slug)
    dependency = Dependency(caller=caller, callee=callee)
    try:
        dependency.full_clean()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        dependency.save()
        messages.success(request, f"{caller} calls {callee}.")
    return redirect("service-dependencies", slug=slug)


@require_POST
@requires("telemetry.delete_dependency")
def remove_dependency(request: HttpRequest, slug: str, callee: str) -> HttpResponse:
    Dependency.objects.filter(caller__slug=slug, callee__slug=callee).delete()
    messages.success(request, f"{slug} no longer calls {callee}.")
    return redirect("service-dependencies", slug=slug)


@require_POST
@requires("telemetry.change_watch")
def watch(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """How a series of the service is watched; it is named by its number."""
    found = get_object_or_404(Watch, series=pk, series__service__slug=slug)
    form = WatchForm(request.POST, instance=found)
    name = series_title(found.series.name)
    if form.is_valid():
        form.save()
        messages.success(request, f"How {name} is watched is saved.")
    else:
        messages.error(request, f"{name} was not changed: choose a sensitivity.")
    return redirect("service-metrics", slug=slug)
