"""The mapping editor of a generic source: a sample on one side, what becomes of it on the other."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from incidents.mapping_form import MappingForm, pretty, read_sample
from incidents.models import Integration
from incidents.payload import UnreadablePayload
from incidents.providers.generic import preview, suggest_mapping
from incidents.pulse import pulse_of
from telemetry.access import requires

COUNTED = 1000


@requires("incidents.change_integration")
def mapping(request: HttpRequest, pk: int) -> HttpResponse:
    integration = _find(pk)
    if request.method != "POST":
        form = MappingForm.showing(integration.mapping)
        return _editor(request, integration, form, _last_body(integration))
    form = MappingForm(request.POST)
    if not form.is_valid():
        return _editor(request, integration, form, request.POST.get("sample", ""), code=422)
    integration.mapping = form.mapping or None
    integration.save(update_fields=["mapping"])
    messages.success(request, "The mapping is saved; deliveries from now on are read with it.")
    return redirect("source-mapping", pk=pk)


@require_POST
@requires("incidents.change_integration")
def try_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview beside the form; with `suggest` the form filled in from the sample as well."""
    integration = _find(pk)
    text = request.POST.get("sample", "")
    if "suggest" not in request.POST:
        form = MappingForm(request.POST)
        return render(request, "sources/_preview.html", _preview(form, text))
    try:
        suggested = suggest_mapping(read_sample(text)).model_dump(exclude_defaults=True)
    except UnreadablePayload:
        return _editor(request, integration, MappingForm(request.POST), text)
    return _editor(request, integration, MappingForm.showing(suggested), text)


def _editor(
    request: HttpRequest, integration: Integration, form: MappingForm, text: str, *, code: int = 200
) -> HttpResponse:
    is_part = request.headers.get("HX-Request")
    context = {
        "integration": integration,
        "pulse": pulse_of(integration, timezone.now()),
        "form": form,
        "sample": text,
        "tab": "mapping",
        "dead_count": integration.messages.dead()[:COUNTED].count(),
        "may_change": True,
        **_preview(form, text),
    }
    template = "sources/_mapping.html" if is_part else "sources/detail.html"
    return render(request, template, context, status=code)


def _preview(form: MappingForm, text: str) -> dict[str, Any]:
    """What the sample becomes, or why nothing does."""
    try:
        wanted = _wanted(form)
        if wanted is None:
            return {"problem": "Correct the paths first."}
        return {"result": preview(read_sample(text), wanted)}
    except UnreadablePayload as error:
        return {"problem": str(error), "is_empty": not text.strip()}


def _wanted(form: MappingForm) -> dict[str, Any] | None:
    if form.is_bound:
        return form.mapping if form.is_valid() else None
    bound = MappingForm(
        {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    )
    return bound.mapping if bound.is_valid() else None


def _last_body(integration: Integration) -> str:
    newest = integration.messages.order_by("-pk").first()
    return pretty(bytes(newest.body)) if newest else ""


def _find(pk: int) -> Integration:
    integration = get_object_or_404(Integration, pk=pk)
    if integration.provider != "generic" or not integration.token_prefix:
        raise Http404("Only a source of generic JSON has a mapping.")
    return integration
