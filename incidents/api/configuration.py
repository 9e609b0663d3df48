"""What is set up for alerts: who sends them, how they are grouped, which searches are kept."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from pydantic import ValidationError as InvalidMapping
from rest_framework import serializers

from incidents import matchers
from incidents.connecting import url_of
from incidents.models import CorrelationRule, Integration, Message, SavedView
from incidents.providers.field_mapping import FieldMapping
from incidents.rotating import LONGEST_OVERLAP
from telemetry.api.strict import Strict

MOST_MATCHERS = 50
LONGEST_BODY_SHOWN = 256 * 1024
LONGEST_WINDOW = 7 * 24 * 3600


class MatchersField(serializers.ListField):
    """A list such as `["service=checkout", "severity=~critical|high"]`."""

    child = serializers.CharField(max_length=matchers.MAX_MATCHER_LENGTH)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_MATCHERS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        texts: list[str] = super().to_internal_value(data)
        try:
            matchers.parse_matchers(texts)
        except matchers.InvalidMatcher as error:
            raise serializers.ValidationError(str(error)) from error
        return texts


def _mapping_schema() -> dict[str, Any]:
    """Without what OpenAPI 3.0 cannot say: a label's name has 1 to 128 characters."""
    schema = FieldMapping.model_json_schema()
    schema["properties"]["labels"].pop("propertyNames")
    return {**schema, "nullable": True}


@extend_schema_field(_mapping_schema())
class MappingField(serializers.DictField):
    """Where in a sender's document the parts of an alert are."""


class IntegrationSerializer(Strict, serializers.ModelSerializer[Integration]):
    url = serializers.SerializerMethodField()
    mapping = MappingField(allow_null=True, required=False)

    class Meta:
        model = Integration
        fields = ["id", "provider", "name", "url", "mapping", "is_enabled", "token_prefix"]
        fields += ["old_token_prefix", "old_token_until", "created_at"]
        read_only_fields = ["provider", "token_prefix", "old_token_prefix", "old_token_until"]
        read_only_fields += ["created_at"]

    @extend_schema_field(serializers.CharField)
    def get_url(self, integration: Integration) -> str:
        return url_of(integration.provider)

    def validate_mapping(self, mapping: dict[str, Any] | None) -> dict[str, Any] | None:
        if mapping is None:
            return None
        try:
            FieldMapping.model_validate(mapping)
        except InvalidMapping as error:
            words = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise serializers.ValidationError(words) from error
        return mapping


class Connect(IntegrationSerializer):
    """A new sender. Its provider is settled once and for all."""

    class Meta(IntegrationSerializer.Meta):
        fields = ["provider", "name", "mapping"]
        read_only_fields: list[str] = []


class Rotate(Strict):
    """For how long the old token goes on working."""

    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=int(LONGEST_OVERLAP.total_seconds()), default=0
    )


class Revoke(Strict):
    """How the token begins."""

    token_prefix = serializers.CharField(max_length=8)


class ConnectedSerializer(serializers.Serializer[Any]):
    """The token is shown this once."""

    integration = IntegrationSerializer()
    token = serializers.CharField()
    url = serializers.CharField()


class MessageSerializer(serializers.ModelSerializer[Message]):
    integration = serializers.SlugRelatedField("name", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    provider = serializers.CharField(source="integration.provider", read_only=True)

    class Meta:
        model = Message
        fields = ["id", "integration", "provider", "received_at", "processed_at", "state"]
        fields += ["reason", "attempts", "event_count", "rejected_count", "content_type", "headers"]
        read_only_fields = fields


class WholeMessageSerializer(MessageSerializer):
    body = serializers.SerializerMethodField()
    is_cut = serializers.SerializerMethodField()

    class Meta(MessageSerializer.Meta):
        fields = [*MessageSerializer.Meta.fields, "body", "is_cut"]
        read_only_fields = fields

    def get_body(self, message: Message) -> str:
        """As text; what is not UTF-8 is replaced, what is too long is cut."""
        return bytes(message.body[:LONGEST_BODY_SHOWN]).decode(errors="replace")

    def get_is_cut(self, message: Message) -> bool:
        return len(message.body) > LONGEST_BODY_SHOWN


class CorrelationRuleSerializer(Strict, serializers.ModelSerializer[CorrelationRule]):
    matchers = MatchersField(required=False)
    group_by = serializers.ListField(
        child=serializers.CharField(max_length=128), min_length=1, max_length=10
    )
    window_seconds = serializers.IntegerField(min_value=1, max_value=LONGEST_WINDOW, required=False)

    class Meta:
        model = CorrelationRule
        fields = ["id", "name", "position", "matchers", "group_by", "window_seconds", "is_enabled"]


class SavedViewSerializer(Strict, serializers.ModelSerializer[SavedView]):
    owner = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    person = serializers.HiddenField(default=serializers.CurrentUserDefault(), source="owner")

    class Meta:
        model = SavedView
        fields = ["id", "name", "query", "is_shared", "owner", "person"]
