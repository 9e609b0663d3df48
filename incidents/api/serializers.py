"""Incidents and alerts as the API shows them. What may be done to them is in `requests`."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from incidents.models import (
    Alert,
    AlertLink,
    AnalysisStep,
    CauseLabel,
    Incident,
    TimelineEntry,
)
from incidents.timeline import as_entry

UNFINISHED = {AnalysisStep.State.PENDING, AnalysisStep.State.RUNNING}
BROKEN = {AnalysisStep.State.FAILED, AnalysisStep.State.TIMED_OUT}


class LinkSerializer(serializers.ModelSerializer[AlertLink]):
    class Meta:
        model = AlertLink
        fields = ["alert", "method", "text", "evidence", "linked_at"]
        read_only_fields = fields


class CorrelationSerializer(serializers.Serializer[Any]):
    """How the incident was put together: its first links, and the first of them in words."""

    method = serializers.ChoiceField(AlertLink.Method.choices, allow_null=True)
    text = serializers.CharField()
    links = LinkSerializer(many=True)


class AnalysisSummarySerializer(serializers.Serializer[Any]):
    classification = serializers.CharField()
    cause = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    state = serializers.ChoiceField(["pending", "running", "done", "failed"])


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """Of `views.shown_incidents`, which has what is read here."""

    service = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    services = serializers.SlugRelatedField("slug", many=True, read_only=True)  # type: ignore[var-annotated]
    assignee = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    merged_into = serializers.IntegerField(source="merged_into_id", read_only=True, allow_null=True)
    correlation = serializers.SerializerMethodField()
    analysis = serializers.SerializerMethodField()

    class Meta:
        model = Incident
        fields = ["number", "title", "severity", "status", "service", "services", "assignee"]
        fields += ["onset_at", "opened_at", "acknowledged_at", "identified_at", "monitoring_at"]
        fields += ["resolved_at", "closed_at", "snoozed_until", "last_activity_at"]
        fields += ["alert_count", "firing_count", "last_seq", "merged_into"]
        fields += ["correlation", "analysis"]
        read_only_fields = fields

    @extend_schema_field(CorrelationSerializer)
    def get_correlation(self, incident: Incident) -> dict[str, Any]:
        links: list[AlertLink] = incident.first_links  # type: ignore[attr-defined]
        first = links[0] if links else None
        return {
            "method": first.method if first else None,
            "text": first.text if first else "",
            "links": LinkSerializer(links, many=True).data,
        }

    @extend_schema_field(AnalysisSummarySerializer)
    def get_analysis(self, incident: Incident) -> dict[str, Any]:
        return {
            "classification": incident.classification,
            "cause": incident.cause,
            "confidence": incident.cause_confidence,
            "state": analysis_state([step.state for step in incident.analysis_steps.all()]),
        }


def analysis_state(states: list[str]) -> str:
    """Of the whole, from the states of its steps."""
    if not states or all(state == AnalysisStep.State.PENDING for state in states):
        return "pending"
    if UNFINISHED & set(states):
        return "running"
    return "failed" if set(states) <= BROKEN else "done"


class AlertSerializer(serializers.ModelSerializer[Alert]):
    service = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    integration = serializers.SlugRelatedField("name", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    incident = serializers.IntegerField(source="incident_id", read_only=True, allow_null=True)
    suppressed_by = serializers.SerializerMethodField()

    class Meta:
        model = Alert
        fields = ["id", "fingerprint", "name", "summary", "url", "severity", "status", "service"]
        fields += ["labels", "annotations", "starts_at", "ends_at", "first_received_at"]
        fields += ["last_received_at", "event_count", "is_flapping", "incident", "integration"]
        fields += ["suppressed_by"]
        read_only_fields = fields

    def get_suppressed_by(self, alert: Alert) -> str | None:
        """What keeps it silent; nothing can, so far."""
        return None


class TimelineEntrySerializer(serializers.ModelSerializer[TimelineEntry]):
    """The same shape as the socket's."""

    class Meta:
        model = TimelineEntry
        fields = ["seq", "at", "kind", "actor", "text", "payload"]
        read_only_fields = fields

    def to_representation(self, instance: TimelineEntry) -> dict[str, Any]:
        return as_entry(instance)


class AnalysisStepSerializer(serializers.ModelSerializer[AnalysisStep]):
    evidence = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = AnalysisStep
        fields = ["name", "position", "state", "summary", "result", "evidence", "confidence"]
        fields += ["started_at", "finished_at", "attempts", "time_limit_seconds"]
        read_only_fields = fields


class CauseLabelSerializer(serializers.ModelSerializer[CauseLabel]):
    """What a person said of the probable cause that is the trouble of `service`."""

    by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = CauseLabel
        fields = ["service", "verdict", "reason", "by", "at"]
        read_only_fields = fields


class AnalysisSerializer(serializers.Serializer[Any]):
    """Each step with what it found, why it believes it, and how far it is; and what people say."""

    summary = AnalysisSummarySerializer()
    steps = AnalysisStepSerializer(many=True)
    judgements = CauseLabelSerializer(many=True)
