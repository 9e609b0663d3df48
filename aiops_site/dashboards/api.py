"""Dashboards over the API. A private one is there for its owner alone."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from aiops_site.dashboards import bringing_in, keeping
from aiops_site.dashboards.document import Document, load, plain
from aiops_site.dashboards.models import Dashboard
from aiops_site.dashboards.views.asking import is_owner
from automation.api.views import asked, person
from telemetry.access import Holds
from telemetry.api.paged import page_of
from telemetry.api.strict import Strict

SLUG = "[-a-zA-Z0-9_]+"
DOCUMENT = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 120},
        "variables": {"type": "array", "items": {"type": "object"}, "maxItems": 12},
        "panels": {"type": "array", "items": {"type": "object"}, "maxItems": 24},
    },
    "description": "As /api/v1/dashboards/schema/ describes it.",
}


@extend_schema_field(DOCUMENT)
class DocumentField(serializers.DictField):
    """A whole dashboard."""


class DashboardSerializer(serializers.ModelSerializer[Dashboard]):
    owner = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = Dashboard
        fields = ["slug", "title", "description", "owner", "is_shared", "is_starter", "version"]
        fields += ["panel_count", "changed_at"]
        read_only_fields = fields


class WholeSerializer(DashboardSerializer):
    document = serializers.SerializerMethodField()

    class Meta(DashboardSerializer.Meta):
        fields = [*DashboardSerializer.Meta.fields, "document"]
        read_only_fields = fields

    @extend_schema_field(DOCUMENT)
    def get_document(self, dashboard: Dashboard) -> dict[str, Any]:
        return plain(keeping.document_of(dashboard))


class Create(Strict):
    document = DocumentField()
    is_shared = serializers.BooleanField(required=False, default=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class Update(Strict):
    """`version` is the one that was changed: 409 when it is no longer the newest."""

    document = DocumentField()
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    is_shared = serializers.BooleanField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class Change(Strict):
    """Who sees it. Only its owner may say so."""

    is_shared = serializers.BooleanField(required=False)


class BringIn(Strict):
    """An export of ours, or a Grafana dashboard as classic JSON."""

    dashboard = serializers.DictField()
    is_shared = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class LeftSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    reason = serializers.CharField()


class ImportedSerializer(serializers.Serializer[Any]):
    """`slug` is null when nothing was kept; `refused` is what could not be taken over."""

    slug = serializers.CharField(allow_null=True)
    document = DocumentField()
    notes = LeftSerializer(many=True)
    refused = LeftSerializer(many=True)


class DashboardViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Dashboard],
):
    queryset = Dashboard.objects.select_related("owner")
    serializer_class = WholeSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "aiops_site.view_dashboard",
        "write": "aiops_site.change_dashboard",
        "create": "aiops_site.add_dashboard",
        "bring_in": "aiops_site.add_dashboard",
        "destroy": "aiops_site.delete_dashboard",
    }
    ordering = ("title",)
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def get_queryset(self) -> QuerySet[Dashboard]:
        return Dashboard.objects.visible_to(self.request.user).select_related("owner")

    @extend_schema(responses=DashboardSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Without their documents."""
        return page_of(self, self.get_queryset(), DashboardSerializer)

    @extend_schema(request=Create, responses={201: WholeSerializer})
    def create(self, request: Request) -> Response:
        """Of one's own."""
        given = asked(request, Create)
        made = keeping.create(
            load(given["document"]),
            owner=person(request),
            is_shared=given["is_shared"],
            reason=given["reason"],
        )
        return Response(WholeSerializer(made).data, status=201)

    @extend_schema(request=Update, responses=WholeSerializer)
    def update(self, request: Request, slug: str) -> Response:
        """A new version, unless nothing is different."""
        found, given = self.get_object(), asked(request, Update)
        _share(request, found, given.get("is_shared"))
        saved = keeping.save(
            found,
            load(given["document"]),
            based_on=given["version"],
            by=person(request),
            reason=given["reason"],
        )
        return Response(WholeSerializer(saved).data)

    @extend_schema(request=Change, responses=WholeSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        found = self.get_object()
        _share(request, found, asked(request, Change).get("is_shared"))
        return Response(WholeSerializer(found).data)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=False, url_path="schema", pagination_class=None)
    def document_schema(self, request: Request) -> Response:
        """JSON Schema of the document."""
        return Response(Document.model_json_schema())

    @extend_schema(responses={200: DOCUMENT})
    @action(detail=True)
    def export(self, request: Request, slug: str) -> Response:
        """The document alone, to be imported elsewhere."""
        return Response(plain(keeping.document_of(self.get_object())))

    @extend_schema(request=BringIn, responses={200: ImportedSerializer, 201: ImportedSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import")
    def bring_in(self, request: Request) -> Response:
        """What can be taken over is kept, unless `dry_run`; the rest is named with its reason."""
        given = asked(request, BringIn)
        imported = bringing_in.of(given["dashboard"])
        made = None
        if not given["dry_run"]:
            made = keeping.create(
                imported.document,
                owner=person(request),
                is_shared=given["is_shared"],
                reason="Imported",
            )
        told = {
            "slug": made.slug if made else None,
            "document": plain(imported.document),
            "notes": imported.notes,
            "refused": imported.refused,
        }
        return Response(ImportedSerializer(told).data, status=201 if made else 200)


def _share(request: Request, found: Dashboard, is_shared: bool | None) -> None:  # noqa: FBT001
    if is_shared is None or is_shared == found.is_shared:
        return
    if not is_owner(request.user, found):
        raise PermissionDenied("Only its owner says who sees it.")
    keeping.share(found, is_shared=is_shared)
