from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aiops_site.models import ApiToken
from telemetry.api.strict import Strict
from telemetry.credentials import issue_token


class Oneself(BasePermission):
    """Anybody who is known, about themselves. A token can look, but makes and revokes none."""

    message = "An API token may not do this; sign in and do it in person."

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_known = bool(request.user.is_authenticated)
        return is_known and (request.auth is None or request.method in SAFE_METHODS)


class TokenSerializer(Strict, serializers.ModelSerializer[ApiToken]):
    owner = serializers.HiddenField(default=serializers.CurrentUserDefault())

    class Meta:
        model = ApiToken
        fields = ["id", "name", "created_at", "last_used_at", "owner"]
        read_only_fields = ["created_at", "last_used_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    """The token is shown this once."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    token = serializers.CharField()


class TokenViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[ApiToken],
):
    """One's own API tokens, which carry one's own roles. Deleting one revokes it."""

    queryset = ApiToken.objects.all()
    serializer_class = TokenSerializer
    permission_classes = (Oneself,)
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return super().get_queryset().filter(owner=self.request.user.pk)

    @extend_schema(responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        issued = issue_token()
        person: User = given.validated_data["owner"]
        name = given.validated_data["name"]
        token = ApiToken.objects.create(owner=person, name=name, token_hash=issued.hashed)
        answer = {"id": token.pk, "name": token.name, "token": issued.plain}
        return Response(answer, status=201)
