from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from automation.admin_forms import ConnectionForm, RunbookEditor
from automation.executors import EXECUTORS, Endpoint, Outcome
from automation.models import Connection, HealingPolicy, Runbook, RunbookVersion
from automation.published import publish, write_version
from telemetry.credentials import decrypt, encrypt
from telemetry.outbound_allowed import guard

PUBLISH = "automation.publish_runbook"


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Runbook)
class RunbookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The editor: every save of another text is a new version, and publishing is its own right."""

    form = RunbookEditor
    list_display = ["name", "published", "latest_version", "owner", "is_enabled", "description"]
    list_select_related = ["published"]
    search_fields = ["name", "description", "owner"]
    actions = ["publish_latest"]

    @admin.display(description="Latest")
    def latest_version(self, runbook: Runbook) -> str:
        latest = runbook.versions.first()
        return f"v{latest.number}" if latest else ""

    @admin.display(description="Text")
    def shown_text(self, runbook: Runbook) -> SafeString:
        latest = runbook.versions.first()
        return format_html('<pre class="mono">{}</pre>', latest.text if latest else "")

    def get_fields(self, request: HttpRequest, obj: Runbook | None = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            shown = ["name", "description", "owner", "tags", "published", "is_enabled"]
            return [*shown, "shown_text"]
        return ["text", "reason", "owner", "tags", "is_enabled", "latest"]

    def get_readonly_fields(self, request: HttpRequest, obj: Runbook | None = None) -> Any:
        can_change = self.has_change_permission(request, obj)
        return [] if can_change or obj is None else ["published", "shown_text"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?copy=<id>` begins with the latest text of that runbook, under another name."""
        source = request.GET.get("copy", "")
        versions = RunbookVersion.objects.select_related("runbook")
        latest = versions.filter(runbook_id=int(source)).first() if source.isdecimal() else None
        if latest is None:
            return {}
        runbook = latest.runbook
        text = latest.text.replace(f"name: {runbook.name}", f"name: {runbook.name}-copy", 1)
        return {"text": text, "owner": runbook.owner, "tags": runbook.tags}

    def get_urls(self) -> list[URLPattern]:
        publish_url = path(
            "<int:pk>/publish/<int:number>/",
            self.admin_site.admin_view(require_POST(self.publish_version)),
            name="automation_runbook_publish",
        )
        return [publish_url, *super().get_urls()]

    def save_model(
        self,
        request: HttpRequest,
        obj: Runbook,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        cleaned = form.cleaned_data
        author = _person(request)
        version = write_version(cleaned["text"], author=author, reason=cleaned["reason"])
        own = {name: cleaned[name] for name in RunbookEditor.OF_THE_RUNBOOK}
        Runbook.objects.filter(pk=version.runbook_id).update(**own)
        obj.pk, obj.name = version.runbook_id, version.runbook.name
        for warning in form.warnings:
            messages.warning(request, str(warning))
        if "_publish" in request.POST:
            self._publish(request, version)

    def construct_change_message(self, request: HttpRequest, form: Any, *_: Any) -> list[Any]:
        """The history says why, not only which fields."""
        reason, known = form.cleaned_data["reason"], ("text", *RunbookEditor.OF_THE_RUNBOOK)
        fields = [name for name in form.changed_data if name in known]
        return [{"changed": {"name": "reason", "object": reason or "none", "fields": fields}}]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        runbook = self.get_object(request, object_id)
        facts = {
            "versions": runbook.versions.select_related("author") if runbook else (),
            "may_publish": request.user.has_perm(PUBLISH),
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | facts)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        facts = {"may_publish": request.user.has_perm(PUBLISH)}
        return super().add_view(request, form_url, (extra_context or {}) | facts)

    def publish_version(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        version = get_object_or_404(RunbookVersion, runbook=pk, number=number)
        self._publish(request, version)
        return HttpResponseRedirect(reverse("admin:automation_runbook_change", args=[pk]))

    @admin.action(description="Publish the latest version", permissions=["publish"])
    def publish_latest(self, request: HttpRequest, queryset: QuerySet[Runbook]) -> None:
        for runbook in queryset:
            if latest := runbook.versions.first():
                self._publish(request, latest)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PUBLISH)

    def _publish(self, request: HttpRequest, version: RunbookVersion) -> None:
        if not self.has_publish_permission(request):
            raise PermissionDenied
        try:
            publish(version)
        except ValidationError as error:
            messages.error(request, f"{version} was not published: {'; '.join(error.messages)}")
            return
        self.log_change(request, version.runbook, f"Published v{version.number}")
        messages.success(request, f"Published {version}.")


@admin.register(RunbookVersion)
class RunbookVersionAdmin(_ReadOnly):
    list_display = ["runbook", "number", "author", "reason", "created_at"]
    search_fields = ["runbook__name", "reason"]
    list_select_related = ["runbook", "author"]
    fields = ["runbook", "number", "author", "reason", "created_at", "sha256", "shown_text"]
    readonly_fields = ["shown_text"]

    @admin.display(description="Text")
    def shown_text(self, version: RunbookVersion) -> SafeString:
        return format_html('<pre class="mono">{}</pre>', version.text)


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ConnectionForm
    list_display = ["name", "executor", "url", "username", "has_secret", "is_default"]
    search_fields = ["name", "url"]

    @admin.display(description="Secret", boolean=True)
    def has_secret(self, connection: Connection) -> bool:
        return bool(connection.secret)

    def get_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        shown = ["executor", "name", "url", "username"]
        if obj and not self.has_change_permission(request, obj):
            return [*shown, "has_secret", "is_default"]
        return [
            *shown,
            "new_secret",
            *(["remove_secret"] if obj and obj.secret else []),
            "is_default",
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        is_shown = obj is not None and not self.has_change_permission(request, obj)
        return ["has_secret"] if is_shown else []

    def get_urls(self) -> list[URLPattern]:
        test_url = path(
            "<int:pk>/test/",
            self.admin_site.admin_view(require_POST(self.test)),
            name="automation_connection_test",
        )
        return [test_url, *super().get_urls()]

    def save_model(
        self,
        request: HttpRequest,
        obj: Connection,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Whoever approved a plan approved these credentials: another pair is another version."""
        secret = form.cleaned_data["new_secret"]
        is_removed = form.cleaned_data.get("remove_secret", False)
        if secret or is_removed:
            obj.secret = encrypt(secret) if secret else ""
        if secret or is_removed or (change and "username" in form.changed_data):
            obj.secret_version += 1
        super().save_model(request, obj, form, change)

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Tries the saved connection, within five seconds."""
        connection = get_object_or_404(Connection, pk=pk)
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        outcome = _tried(connection)
        level = messages.SUCCESS if outcome.status == "succeeded" else messages.ERROR
        messages.add_message(request, level, f"{connection.name}: {outcome.summary}")
        return HttpResponseRedirect(reverse("admin:automation_connection_change", args=[pk]))


@admin.register(HealingPolicy)
class HealingPolicyAdmin(_ReadOnly):
    """Policies are edited on their own page, which shows what they would match."""

    list_display = ["name", "mode", "runbook", "version", "is_enabled", "page"]
    list_select_related = ["runbook"]
    fields = ["name", "mode", "matchers", "runbook", "parameters", "guardrails", "version", "page"]
    readonly_fields = ["page"]

    @admin.display(description="Page")
    def page(self, policy: HealingPolicy) -> SafeString:
        return format_html('<a href="{}">Open</a>', reverse("policy", args=[policy.pk]))


def _tried(connection: Connection) -> Outcome:
    try:
        secret = decrypt(connection.secret) if connection.secret else ""
    except InvalidToken:
        return Outcome(
            "failed", "Its secret cannot be read with this installation's key; set it anew."
        )
    endpoint = Endpoint(connection.url, connection.username, secret)
    return EXECUTORS[connection.executor].check(endpoint, guard=guard())


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
