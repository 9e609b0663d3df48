from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from automation import published
from automation.api.serializers import StepSerializer
from automation.api.views import asked, person
from automation.document import json_schema, load
from automation.models import Runbook, RunbookVersion
from automation.models.runbook import LONGEST_TAG, MOST_TAGS, TAG, validate_tags
from automation.plan import display
from automation.preview import preview
from telemetry.access import Holds
from telemetry.api.paged import page_of
from telemetry.api.strict import Strict

LONGEST_TEXT = 256 * 1024
SLUG = "[-a-zA-Z0-9_]+"


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "pattern": f"^{TAG}$", "maxLength": LONGEST_TAG},
        "maxItems": MOST_TAGS,
        "uniqueItems": True,
    }
)
class TagsField(serializers.ListField):
    child = serializers.CharField(max_length=LONGEST_TAG)


class RunbookSerializer(Strict, serializers.ModelSerializer[Runbook]):
    published = serializers.IntegerField(
        source="published.number", read_only=True, default=None, allow_null=True
    )
    tags = TagsField(max_length=MOST_TAGS, required=False, validators=[validate_tags])

    class Meta:
        model = Runbook
        fields = ["name", "description", "published", "owner", "tags", "is_enabled"]
        read_only_fields = ["name", "description"]


class VersionSerializer(serializers.ModelSerializer[RunbookVersion]):
    runbook = serializers.CharField(source="runbook.name", read_only=True)
    author = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    is_published = serializers.SerializerMethodField()

    class Meta:
        model = RunbookVersion
        fields = ["runbook", "number", "text", "sha256", "author", "reason", "created_at"]
        fields += ["is_published"]
        read_only_fields = fields

    def get_is_published(self, version: RunbookVersion) -> bool:
        return version.runbook.published_id == version.pk


class Write(Strict):
    """A new version: the document as YAML, and why it is changed."""

    text = serializers.CharField(max_length=LONGEST_TEXT, trim_whitespace=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)

    def validate_text(self, text: str) -> str:
        """Also demands the name of the runbook it is posted to, where there is one."""
        document, problems = load(text)
        if document is None:
            raise serializers.ValidationError([str(each) for each in problems])
        wanted = self.context.get("name")
        if wanted not in (None, document.name):
            raise serializers.ValidationError(f"The document is of {document.name}, not {wanted}.")
        return text


class Publish(Strict):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class Preview(Strict):
    """Of the published version where none is named, else of the newest."""

    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    parameters = serializers.DictField(required=False, default=dict)


class PlanSerializer(serializers.Serializer[Any]):
    steps = StepSerializer(many=True)
    rollback = StepSerializer(many=True)
    targets = serializers.ListField(child=serializers.CharField())
    parameters = serializers.DictField()
    risk = serializers.CharField()


class RunbookViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Runbook],
):
    queryset = Runbook.objects.select_related("published")
    serializer_class = RunbookSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "automation.view_runbook",
        "write": "automation.change_runbook",
        "create": "automation.add_runbookversion",
        "write_version": "automation.add_runbookversion",
        "publish": "automation.publish_runbook",
        "preview": "automation.view_runbookversion",
    }
    ordering = ("name",)
    lookup_field = "name"
    lookup_value_regex = SLUG

    @extend_schema(request=Write, responses={201: VersionSerializer})
    def create(self, request: Request) -> Response:
        """A new version of the runbook that the document names; the first one makes it."""
        return self._write(request, None)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=False, url_path="schema", pagination_class=None)
    def document_schema(self, request: Request) -> Response:
        """JSON Schema of the document."""
        return Response(json_schema())

    @extend_schema(responses=VersionSerializer(many=True))
    @action(detail=True, ordering=("-number",), serializer_class=VersionSerializer)
    def versions(self, request: Request, name: str) -> Response:
        """Newest first."""
        return page_of(self, self._versions(), VersionSerializer)

    @extend_schema(request=Write, responses={201: VersionSerializer})
    @versions.mapping.post
    def write_version(self, request: Request, name: str) -> Response:
        """A draft: nothing runs it until it is published."""
        return self._write(request, self.get_object().name)

    @extend_schema(request=Publish, responses=RunbookSerializer)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, name: str) -> Response:
        """From now on this version is what is proposed and run; plans of others are invalid."""
        version = self._versions().get(number=asked(request, Publish)["version"])
        published.publish(version)
        return self.retrieve(request, name)

    @extend_schema(request=Preview, responses=PlanSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, name: str) -> Response:
        """The exact plan for given parameters. Nothing is stored or run."""
        wanted = asked(request, Preview)
        plan = preview(self._wanted(wanted.get("version")), wanted["parameters"])
        stored = plan.as_json()
        return Response(
            {
                "steps": display(stored),
                "rollback": display({"steps": stored["rollback"]}),
                "targets": plan.targets,
                "parameters": plan.parameters,
                "risk": plan.risk,
            }
        )

    def _write(self, request: Request, name: str | None) -> Response:
        given = Write(data=request.data, context={"name": name})
        given.is_valid(raise_exception=True)
        version = published.write_version(**given.validated_data, author=person(request))
        return Response(VersionSerializer(version).data, status=201)

    def _versions(self) -> QuerySet[RunbookVersion]:
        versions = RunbookVersion.objects.filter(runbook=self.get_object())
        return versions.select_related("runbook", "author")

    def _wanted(self, number: int | None) -> RunbookVersion:
        runbook: Runbook = self.get_object()
        if number is None and runbook.published is not None:
            return runbook.published
        versions = self._versions()
        return versions.latest("number") if number is None else versions.get(number=number)
