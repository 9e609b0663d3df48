import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aiops_site.metrics import CSP_REPORTS, REGISTRY

logger = logging.getLogger(__name__)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and every migration is applied."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        logger.warning("Not ready: %s", error)
        return _not_ready(f"the database cannot be asked: {type(error).__name__}")
    if pending:
        return _not_ready("migrations are pending")
    return JsonResponse({"ready": True, "url": settings.PUBLIC_URL})


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The console about itself, in Prometheus' format; no labels that name anybody's services."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


@login_not_required
@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Browsers say here what the content security policy stopped; it is counted, never stored."""
    CSP_REPORTS.inc()
    return HttpResponse(status=204)


def _not_ready(reason: str) -> JsonResponse:
    return JsonResponse({"ready": False, "reason": reason}, status=503, headers={"Retry-After": 5})
