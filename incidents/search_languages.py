"""What incidents and alerts can be searched for."""

from dataclasses import replace

from django.db.models import Exists, OuterRef, Q

from incidents.models import (
    Alert,
    AnalysisStep,
    Incident,
    KnowledgeArticle,
    Severity,
    TimelineEntry,
)
from incidents.query import Term
from incidents.search import Language
from incidents.search_values import (
    Asker,
    Condition,
    Meaning,
    json_key,
    label,
    lasting,
    moment,
    number,
    one_of,
    person,
    severity,
    words,
)

Status = Incident.Status


def _any_alert(condition: Condition) -> Condition:
    """At least one alert of the incident is so; with `!`, none is."""

    def of_incident(term: Term, asker: Asker) -> Q:
        positive = Term(term.field, "=", term.values, term.position)
        asked = positive if term.operator == "!=" else term
        found = Q(Exists(Alert.objects.filter(condition(asked, asker), incident=OuterRef("pk"))))
        return ~found if term.operator == "!=" else found

    return of_incident


def _any_service(column: str) -> Condition:
    """The suspected service, or one that is touched."""
    own, touched = words(f"service__{column}"), words(f"service__{column}")
    through = Incident.services.through.objects

    def of_incident(term: Term, asker: Asker) -> Q:
        positive = Term(term.field, "=", term.values, term.position)
        asked = positive if term.operator == "!=" else term
        others = through.filter(touched(asked, asker), incident=OuterRef("pk"))
        found = own(asked, asker) | Q(Exists(others))
        return ~found if term.operator == "!=" else found

    return of_incident


def _told(kind: str) -> Q:
    """What another app did for an incident is known from what it told on the timeline."""
    entries = TimelineEntry.objects.filter(incident=OuterRef("pk"), kind=kind)
    return Q(Exists(entries))


def _source(term: Term, asker: Asker) -> Q:
    """Asked the other way round than the other alert terms: a source has too many alerts to look
    them through once for each incident."""
    positive = replace(term, operator="=") if term.operator == "!=" else term
    alerts = Alert.objects.filter(words("integration__name")(positive, asker))
    found = Q(pk__in=alerts.filter(incident__isnull=False).values("incident"))
    return ~found if term.operator == "!=" else found


def _waits_for_approval(asker: Asker) -> Q:
    """Plans are kept by the app above; the relation is asked for by its name."""
    waiting = Incident.objects.filter(
        pk=OuterRef("pk"),
        remediations__status="proposed",
        remediations__expires_at__gt=asker.now,
    )
    return Q(Exists(waiting))


_UNFINISHED = AnalysisStep.objects.filter(
    incident=OuterRef("pk"), state__in=(AnalysisStep.State.PENDING, AnalysisStep.State.RUNNING)
)
_NEXT: dict[str, Meaning] = {"approval": _waits_for_approval, "analysis": Q(Exists(_UNFINISHED))}
_IS: dict[str, Meaning] = {
    **{str(status): Q(status=status) for status in Status},
    "active": Q(status__in=Incident.ACTIVE),
    "acked": Q(status__in=Incident.ACTIVE, acknowledged_at__isnull=False),
    "mitigated": Q(status=Status.MONITORING),
    "snoozed": lambda asker: Q(snoozed_until__gt=asker.now),
    "unassigned": Q(assignee__isnull=True),
    "mine": lambda asker: Q(assignee=asker.user.pk),
    "merged": Q(merged_into__isnull=False),
}
_HAS: dict[str, Meaning] = {
    "rca": ~Q(cause=""),
    "remediation": _told("remediation"),
    "approval": _told("approval"),
    "comment": _told("comment"),
    "article": Q(Exists(KnowledgeArticle.objects.filter(incident=OuterRef("pk")))),
}
_FIELDS: dict[str, Condition] = {
    "is": one_of(_IS),
    "has": one_of(_HAS),
    "status": words("status"),
    "severity": severity,
    "service": _any_service("slug"),
    "team": _any_service("owner"),
    "owner": person("assignee"),
    "classification": words("classification"),
    "title": words("title"),
    "env": _any_alert(label("labels", "env")),
    "source": _source,
    "alertname": _any_alert(words("name")),
    "label": _any_alert(json_key("labels")),
    "fingerprint": _any_alert(words("fingerprint")),
    "next": one_of(_NEXT),
    "opened": moment("opened_at"),
    "resolved": moment("resolved_at"),
    "duration": lasting("opened_at", "resolved_at"),
    "alerts": number("alert_count"),
    "id": number("number"),
}

INCIDENTS = Language(
    fields=_FIELDS,
    values={
        "is": tuple(_IS),
        "has": tuple(_HAS),
        "next": tuple(_NEXT),
        "status": tuple(Status.values),
        "severity": tuple(Severity.values),
    },
    columns={"severity": "-severity_rank", "opened": "opened_at", "id": "number"},
    words=lambda text: Q(title__icontains=text),
    default=("-number",),
)

_ALERT_IS: dict[str, Meaning] = {
    **{str(status): Q(status=status) for status in Alert.Status},
    "flapping": Q(is_flapping=True),
    "orphaned": Q(incident__isnull=True),
}

ALERTS = Language(
    fields={
        "is": one_of(_ALERT_IS),
        "status": words("status"),
        "severity": severity,
        "service": words("service__slug"),
        "team": words("service__owner"),
        "env": label("labels", "env"),
        "source": words("integration__name"),
        "name": words("name"),
        "alertname": words("name"),
        "label": json_key("labels"),
        "fingerprint": words("fingerprint"),
        "started": moment("starts_at"),
        "received": moment("last_received_at"),
        "events": number("event_count"),
        "incident": number("incident"),
        "id": number("id"),
    },
    values={
        "is": tuple(_ALERT_IS),
        "status": tuple(Alert.Status.values),
        "severity": tuple(Severity.values),
    },
    columns={"received": "last_received_at", "id": "id"},
    words=lambda text: Q(name__icontains=text) | Q(summary__icontains=text),
    default=("-last_received_at",),
)
