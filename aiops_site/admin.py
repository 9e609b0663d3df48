from django.contrib import admin
from django.http import HttpRequest

from aiops_site.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    """To see whose there are and to revoke them; one makes one's own on the profile page."""

    list_display = ("name", "owner", "created_at", "last_used_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False
