from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from incidents import knowledge
from incidents.models import Incident, KnowledgeArticle, KnownFix
from telemetry.access import Holds
from telemetry.api.strict import Strict
from telemetry.models import Service

NUMBER = "[0-9]{1,18}"


class ArticleSerializer(Strict, serializers.ModelSerializer[KnowledgeArticle]):
    service = serializers.SlugRelatedField(
        "slug", queryset=Service.objects.all(), allow_null=True, required=False
    )
    incident = serializers.PrimaryKeyRelatedField(
        queryset=Incident.objects.all(),
        allow_null=True,
        required=False,
        pk_field=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        validators=[UniqueValidator(KnowledgeArticle.objects.all())],
    )

    class Meta:
        model = KnowledgeArticle
        fields = ["id", "title", "body", "service", "classification", "incident"]
        fields += ["created_at", "updated_at"]


class KnownFixSerializer(serializers.ModelSerializer[KnownFix]):
    service = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    last_incident = serializers.IntegerField(
        source="last_incident_id", read_only=True, allow_null=True
    )

    class Meta:
        model = KnownFix
        fields = ["id", "classification", "service", "alert_name", "runbook", "successes"]
        fields += ["failures", "last_incident", "updated_at"]
        read_only_fields = fields


class Words(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=300)


class ArticleViewSet(viewsets.ModelViewSet[KnowledgeArticle]):
    queryset = KnowledgeArticle.objects.select_related("service")
    serializer_class = ArticleSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "incidents.view_knowledgearticle",
        "write": "incidents.change_knowledgearticle",
        "create": "incidents.add_knowledgearticle",
        "destroy": "incidents.delete_knowledgearticle",
    }
    ordering = ("-pk",)
    lookup_value_regex = NUMBER

    @extend_schema(parameters=[Words], responses=ArticleSerializer(many=True))
    @action(detail=False, pagination_class=None)
    def search(self, request: Request) -> Response:
        """The articles that have most of the words, the best first."""
        asked = Words(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = knowledge.search(asked.validated_data["q"])
        return Response(self.get_serializer(found, many=True).data)


class KnownFixViewSet(viewsets.ReadOnlyModelViewSet[KnownFix]):
    """Runbooks that were tried, and how often each worked."""

    queryset = KnownFix.objects.select_related("service")
    serializer_class = KnownFixSerializer
    permission_classes = (Holds,)
    permissions = {"read": "incidents.view_knownfix"}
    ordering = ("-pk",)
    lookup_value_regex = NUMBER
