"""How each service is, over the API."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from incidents.service_health import RANKS, Health, health_of
from telemetry.access import Holds
from telemetry.models import Service


class ServiceHealthSerializer(serializers.Serializer[Any]):
    """`incidents` are the numbers of those that are open, the worst first. Calls are those that
    others make to the service; null where nobody measures them."""

    service = serializers.CharField()
    state = serializers.ChoiceField(choices=list(RANKS))
    reasons = serializers.ListField(child=serializers.CharField())
    incidents = serializers.ListField(child=serializers.IntegerField())
    calls_per_minute = serializers.FloatField(allow_null=True)
    error_share = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)


class ServiceHealthViewSet(viewsets.GenericViewSet[Service]):
    """By name; a page is judged as it is read."""

    queryset = Service.objects.all()
    serializer_class = ServiceHealthSerializer
    permission_classes = (Holds,)
    permissions = {"read": "telemetry.view_service"}
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_fields = ("tier", "owner", "kind")
    ordering = ("slug",)

    @extend_schema(responses=ServiceHealthSerializer(many=True))
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        health = health_of(page)
        told = [_told(service, health[service.pk]) for service in page]
        return self.get_paginated_response(ServiceHealthSerializer(told, many=True).data)


def _told(service: Service, health: Health) -> dict[str, Any]:
    traffic = health.traffic
    return {
        "service": service.slug,
        "state": health.word,
        "reasons": health.reasons,
        "incidents": [incident.number for incident in health.incidents],
        "calls_per_minute": traffic and traffic.calls_per_minute,
        "error_share": traffic and traffic.error_share,
        "p95_ms": traffic and traffic.p95_ms,
    }
