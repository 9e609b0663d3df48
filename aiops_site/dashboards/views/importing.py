"""A dashboard from a file: ours, or one of Grafana's with what of it cannot be."""

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from aiops_site.dashboards import bringing_in, keeping
from aiops_site.dashboards.document import NotADashboard
from automation.views.asking import PersonRequest
from telemetry.access import requires


@require_http_methods(["GET", "POST"])
@requires("aiops_site.add_dashboard")
def bring_in(request: PersonRequest) -> HttpResponse:
    """POST with `deed=save` keeps what was previewed; any other previews it."""
    if request.method == "GET":
        return render(request, "dashboards/import.html", {"text": ""})
    text = _text(request)
    try:
        imported = bringing_in.read(text)
        if request.POST.get("deed") == "save":
            made = keeping.create(
                imported.document,
                owner=request.user,
                is_shared=request.POST.get("sharing") == "everyone",
                reason="Imported",
            )
            messages.success(request, f"{made.title} is imported.")
            return redirect("dashboard", slug=made.slug)
    except NotADashboard as error:
        context = {"text": text, "problems": error.problems}
        return render(request, "dashboards/import.html", context, status=422)
    return render(request, "dashboards/import.html", {"text": text, "imported": imported})


def _text(request: PersonRequest) -> str:
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile) and file.size:
        content: bytes = file.read(bringing_in.MOST_BYTES + 1)
        return content.decode(errors="replace")
    return request.POST.get("text", "")
