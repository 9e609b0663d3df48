"""The parts of an incident's page, each drawn alone, with a digest that tells if it changed."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from incidents.knowledge import fix_words
from incidents.models import Alert, AlertLink, Incident, KnowledgeArticle
from incidents.views.asking import may_respond
from incidents.views.blast import draw
from incidents.views.findings import Analysis, read_analysis
from incidents.views.pages import Page, page_of
from incidents.views.signals import charts_of, errors_of, why_these, window_of
from incidents.views.stepper import next_of, seconds_until, steps_of
from incidents.views.story import Stat, affected, lead, stats_of, worst_of

A_DAY = timedelta(hours=20)
_PASSING = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]*"'
    r"|(?<=data-timeline-count)>[^<]*"
    r'|(?<=role="timer")[^>]*>[^<]*|(?<=data-relative=")[^>]*>[^<]*'
)


@dataclass
class Subject:
    """An incident and whoever looks at it; what several parts need is read once."""

    incident: Incident
    request: HttpRequest

    @cached_property
    def analysis(self) -> Analysis:
        return read_analysis(self.incident)

    @cached_property
    def signals(self) -> list[int]:
        found: list[int] = self.analysis.found.get("enrichment", {}).get("signals", [])
        return found

    @cached_property
    def alerts(self) -> Page[Alert]:
        path = reverse("incident-alerts", args=[self.incident.number])
        return page_of(alerts_with_why(self.incident), self.request, _ALERT_ORDER, path=path)


@dataclass(frozen=True, slots=True)
class Part:
    """A section as drawn. `digest` changes when its content does, not when a clock moves on."""

    name: str
    html: SafeString
    digest: str


def draw_part(name: str, subject: Subject) -> Part:
    context = {
        "incident": subject.incident,
        "analysis": subject.analysis,
        "may_respond": may_respond(subject.request),
        **PARTS[name](subject),
    }
    html = render_to_string(f"incidents/part_{name}.html", context, request=subject.request)
    passing = _PASSING.sub("", html)
    return Part(name, html, hashlib.sha256(passing.encode()).hexdigest()[:12])


def news(subject: Subject, seen: Mapping[str, str]) -> list[Part]:
    """The parts that are no longer as they were seen."""
    parts = [draw_part(name, subject) for name in PARTS if name in seen]
    return [part for part in parts if part.digest != seen[part.name]]


def alerts_with_why(incident: Incident) -> QuerySet[Alert]:
    """Each with why it belongs here, in words."""
    links = AlertLink.objects.filter(incident=incident, alert=OuterRef("pk"))
    alerts = Alert.objects.filter(incident=incident).select_related("service", "integration")
    return alerts.defer("fold", "annotations").annotate(why=Subquery(links.values("text")[:1]))


_ALERT_ORDER = ("status", "-starts_at", "-pk")


def _head(subject: Subject) -> dict[str, Any]:
    incident = subject.incident
    return {
        "counts": _counts(subject),
        "steps": steps_of(incident),
        "next": next_of(incident),
        "link": f"{settings.PUBLIC_URL}{reverse('incident', args=[incident.number])}",
        "acknowledged_seconds": seconds_until(incident.opened_at, incident.acknowledged_at),
        "lasted_seconds": seconds_until(incident.opened_at, incident.resolved_at),
    }


def _counts(subject: Subject) -> dict[str, int]:
    found = subject.analysis.found
    return {
        "signals": len(subject.signals),
        "similar": len(found.get("similarity", {}).get("similar", [])),
        "reached": sum(len(ring) for ring in found.get("impact", {}).get("rings", [])),
    }


def _impact(subject: Subject) -> dict[str, Any]:
    incident, analysis = subject.incident, subject.analysis
    is_charted = subject.request.user.has_perm("telemetry.view_series")
    return {
        "lead": lead(incident, analysis.found),
        "stats": _stats(subject) if is_charted else [],
        "is_old": timezone.now() - incident.onset_at > A_DAY,
        "affected": affected(incident),
    }


def _stats(subject: Subject) -> list[Stat]:
    if subject.incident.is_active:
        return stats_of(subject.signals)
    found = subject.analysis.found.get("enrichment", {})
    return worst_of(subject.incident, found.get("departures", []))


def _signals(subject: Subject) -> dict[str, Any]:
    is_charted = subject.request.user.has_perm("telemetry.view_series")
    charts = charts_of(subject.incident, subject.signals) if is_charted else []
    return {
        "charts": charts,
        "kept_at": min((chart.kept_at for chart in charts if chart.kept_at), default=None),
        "errors": errors_of(subject.incident),
        "why": why_these(subject.analysis.found.get("enrichment", {}), charts),
        "group": f"incident-{subject.incident.number}",
        "window": window_of(subject.incident) if not subject.incident.is_active else "",
    }


def _alerts(subject: Subject) -> dict[str, Any]:
    return {"page": subject.alerts}


def _topology(subject: Subject) -> dict[str, Any]:
    return {"picture": draw(subject.incident, subject.analysis.found)}


def _similar(subject: Subject) -> dict[str, Any]:
    return {"similar": subject.analysis.found.get("similarity", {}).get("similar", [])}


def _knowledge(subject: Subject) -> dict[str, Any]:
    found = subject.analysis.found.get("recommendation", {})
    known = {"fixes": found.get("fixes", []), "articles": found.get("articles", [])}
    return known | _learnt(subject.incident)


def _learnt(incident: Incident) -> dict[str, Any]:
    """From this very incident, once it is over."""
    if incident.is_active:
        return {}
    tried = list(incident.fix_outcomes.select_related("fix"))
    article = KnowledgeArticle.objects.filter(incident=incident).first()
    return {"learnt": article, "tried": fix_words(tried)}


def _nothing(subject: Subject) -> dict[str, Any]:
    return {}


PARTS: Mapping[str, Callable[[Subject], dict[str, Any]]] = {
    "head": _head,
    "impact": _impact,
    "cause": _nothing,
    "signals": _signals,
    "alerts": _alerts,
    "topology": _topology,
    "similar": _similar,
    "knowledge": _knowledge,
}
