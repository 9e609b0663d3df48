"""The sources that are asked in place, over the API. Secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any, get_args

from django.core.exceptions import ValidationError as Invalid
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from telemetry.access import Holds
from telemetry.api.strict import Strict
from telemetry.api.views import NUMBER
from telemetry.data_sources import (
    BUILTIN,
    LONGEST,
    State,
    abilities_of,
    configure,
    names_of_secrets,
    state_of,
)
from telemetry.models import DataSource
from telemetry.sources import SOURCES
from telemetry.sources.base import Ability
from telemetry.trying_sources import try_source

TEXTS = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": LONGEST},
    "maxProperties": 20,
}


@extend_schema_field(TEXTS)
class TextsField(serializers.DictField):
    """Texts by name; another type is refused, not turned into one."""

    child = serializers.CharField(allow_blank=True, max_length=LONGEST, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and not all(isinstance(text, str) for text in data.values()):
            raise serializers.ValidationError("Every value must be a string.")
        texts: dict[str, str] = super().to_internal_value(data)
        return texts


class DataSourceSerializer(Strict, serializers.ModelSerializer[DataSource]):
    """`options` and `secrets` are those that the kind has. A secret that is left out stays, an
    empty one is forgotten, and all are forgotten when the address leads to another server."""

    url = serializers.CharField(max_length=500)
    options = TextsField(required=False)
    secrets = TextsField(required=False, write_only=True)
    secrets_set = serializers.SerializerMethodField()
    abilities = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()

    class Meta:
        model = DataSource
        fields = ["id", "name", "kind", "url", "options", "secrets", "secrets_set", "is_enabled"]
        fields += ["abilities", "state", "answered_at", "failed_at", "problem"]
        read_only_fields = ["kind", "answered_at", "failed_at", "problem"]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_secrets_set(self, source: DataSource) -> list[str]:
        return names_of_secrets(source)

    @extend_schema_field(
        serializers.ListField(child=serializers.ChoiceField(choices=get_args(Ability)))
    )
    def get_abilities(self, source: DataSource) -> list[str]:
        return sorted(abilities_of(source))

    @extend_schema_field(serializers.ChoiceField(choices=get_args(State)))
    def get_state(self, source: DataSource) -> str:
        return state_of(source, timezone.now())

    def validate_name(self, name: str) -> str:
        if name == BUILTIN.name:
            raise serializers.ValidationError("That is the name of the console's own store.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """On a copy, so that what is refused leaves the row as it is."""
        trial = self.instance or DataSource(kind=attrs.get("kind", ""))
        source = DataSource(kind=trial.kind, url=trial.url, secret=trial.secret)
        try:
            configure(
                source,
                url=attrs.get("url", trial.url),
                options=attrs.get("options", trial.options),
                secrets=attrs.pop("secrets", {}),
            )
        except Invalid as error:
            raise serializers.ValidationError(error.messages) from error
        return {
            **attrs,
            "url": source.url,
            "options": source.options,
            "secret": source.secret,
        }


class NewDataSource(DataSourceSerializer):
    """What kind it is of is settled once and for all."""

    kind = serializers.ChoiceField(choices=list(SOURCES))

    class Meta(DataSourceSerializer.Meta):
        read_only_fields = ["answered_at", "failed_at", "problem"]


class TrialSerializer(serializers.Serializer[Any]):
    """`said` is what answers there, `problem` why nothing does, `way_out` what helps."""

    is_answering = serializers.BooleanField()
    said = serializers.CharField(allow_blank=True)
    problem = serializers.CharField(allow_blank=True)
    way_out = serializers.CharField(allow_blank=True)
    addresses = serializers.ListField(child=serializers.CharField())
    took_ms = serializers.IntegerField()


class DataSourceViewSet(viewsets.ModelViewSet[DataSource]):
    """The built-in store is not among them: it is always there and cannot be changed."""

    queryset = DataSource.objects.all()
    serializer_class = DataSourceSerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "telemetry.view_datasource",
        "write": "telemetry.change_datasource",
        "create": "telemetry.add_datasource",
        "destroy": "telemetry.delete_datasource",
    }
    ordering = ("pk",)
    lookup_value_regex = NUMBER

    def get_serializer_class(self) -> type[DataSourceSerializer]:
        return NewDataSource if self.action == "create" else DataSourceSerializer

    @extend_schema(request=None, responses=TrialSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Asks it now what it is; answered with 200 also when it fails."""
        trial = try_source(self.get_object())
        document: Mapping[str, Any] = {
            "is_answering": trial.answer.failed is None,
            "said": trial.said,
            "problem": trial.answer.problem,
            "way_out": trial.way_out,
            "addresses": trial.addresses,
            "took_ms": trial.answer.took_ms,
        }
        return Response(TrialSerializer(document).data)
