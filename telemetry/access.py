"""Who may do what: every route names a permission; the five roles are groups that hold them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # the framework itself loads this module while it makes its views
    from rest_framework.views import APIView

Page = Callable[..., HttpResponseBase]


def requires(permission: str) -> Callable[[Page], Page]:
    """For pages: 403 with the missing permission named, for people who are signed in."""
    return permission_required(permission, raise_exception=True)


class NobodyUnlessSaid(BasePermission):
    """The default: a view that names no permission answers nobody."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False


class Holds(BasePermission):
    """The caller is known and holds the permission that the view names for this verb.

    A view says `permissions = {"read": "app.view_x", "write": "app.change_x", "<action>": ...}`;
    an action's own name wins over read and write. `people_only` lists actions closed to API tokens.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        if not hasattr(view, (request.method or "").lower()):
            return True  # there is nothing to permit; the view answers 405
        if _is_for_people(view) and request.auth is not None:
            self.message = "An API token may not do this; sign in and do it in person."
            return False
        needed = permission_needed(view, method=request.method or "GET")
        self.message = f"This needs the permission {needed}; an administrator can grant it."
        return needed is not None and request.user.has_perm(needed)


def permission_needed(view: "APIView", *, method: str) -> str | None:
    table: dict[str, str] = getattr(view, "permissions", {})
    verb = "read" if method in ("GET", "HEAD", "OPTIONS") else "write"
    return table.get(_action(view), table.get(verb))


def _is_for_people(view: "APIView") -> bool:
    return _action(view) in getattr(view, "people_only", ())


def _action(view: Any) -> str:
    return getattr(view, "action", "") or ""
