from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A request without a valid CSRF token, as a page or as problem details."""
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": reason}
        return JsonResponse(problem, status=403, content_type="application/problem+json")
    return render(request, "403.html", {"reason": reason}, status=403)
