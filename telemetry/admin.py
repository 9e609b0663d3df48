from django.contrib import admin
from django.http import HttpRequest

from telemetry.models import Dependency, Service, Watch


class CallsInline(admin.StackedInline[Dependency, Service]):
    model = Dependency
    fk_name = "caller"
    extra = 0
    verbose_name_plural = "calls"


class CalledByInline(admin.StackedInline[Dependency, Service]):
    model = Dependency
    fk_name = "callee"
    extra = 0
    verbose_name_plural = "called by"


@admin.register(Service)
class ServiceAdmin(admin.ModelAdmin[Service]):
    list_display = ("slug", "name", "tier", "owner")
    list_filter = ("tier",)
    search_fields = ("slug", "name", "owner")
    show_full_result_count = False
    inlines = (CallsInline, CalledByInline)


@admin.register(Watch)
class WatchAdmin(admin.ModelAdmin[Watch]):
    """Made for a series when it first arrives; here it is tuned or silenced."""

    list_display = ("series", "detector", "is_enabled", "raises_alerts", "is_learning")
    list_filter = ("is_enabled", "raises_alerts", "is_learning")
    list_select_related = ("series__service",)
    search_fields = ("series__name", "series__service__slug")
    show_full_result_count = False
    fields = ("series", "detector", "settings", "raises_alerts", "is_enabled", "is_learning")
    readonly_fields = ("series", "is_learning")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
