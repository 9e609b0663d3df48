"""Who asks, and where to go back to."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def may_respond(request: HttpRequest) -> bool:
    return request.user.has_perm("incidents.respond_incident")


def back_of(request: HttpRequest) -> str:
    """The page of ours that the form wants to go back to, or nothing."""
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_ours and back.startswith("/") else ""
