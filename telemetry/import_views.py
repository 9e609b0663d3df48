"""A catalogue of services is pasted or uploaded, looked at, and taken over."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from telemetry import cataloguing
from telemetry.access import requires
from telemetry.catalog import Catalog, CatalogRefused
from telemetry.catalog_import import read_catalog
from telemetry.safe_yaml import MAX_BYTES


@require_http_methods(["GET", "POST"])
@requires("telemetry.add_service")
@requires("telemetry.change_service")
@requires("telemetry.add_dependency")
def import_catalog(request: HttpRequest) -> HttpResponse:
    """The first POST shows what would be done, one that says `seen` does it."""
    if request.method == "GET":
        return _page(request)
    text = request.POST.get("text", "")
    try:
        text = _uploaded(request) or text
        catalog = read_catalog(text)
    except CatalogRefused as error:
        return _page(request, code=422, text=text, error=str(error))
    return _look_or_do(request, text, catalog)


def _look_or_do(request: HttpRequest, text: str, catalog: Catalog) -> HttpResponse:
    wanted, seen = cataloguing.compare(catalog), request.POST.get("seen", "")
    if not seen:
        return _page(request, text=text, wanted=wanted)
    if seen != wanted.fingerprint:
        error = "The file or the services have changed since you looked. This is what it would do."
        return _page(request, code=409, text=text, wanted=wanted, error=error)
    done = cataloguing.carry_out(catalog)
    counts = {
        "services added": len(done.added),
        "services changed": len(done.changed),
        "calls kept": len(done.calls) + len(done.confirmed),
    }
    words = ", ".join(f"{what}: {count}" for what, count in counts.items())
    messages.success(request, f"Imported. {words.capitalize()}.")
    return redirect("services")


def _uploaded(request: HttpRequest) -> str:
    """Empty when there is no file. Raises CatalogRefused."""
    file = request.FILES.get("file")
    if file is None:
        return ""
    content: bytes = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise CatalogRefused(f"The file is larger than {MAX_BYTES // 1024} kB.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CatalogRefused("The file is not UTF-8 text.") from error


def _page(request: HttpRequest, *, code: int = 200, **context: Any) -> HttpResponse:
    return render(request, "services/import.html", context, status=code)
