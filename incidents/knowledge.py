"""What was learnt from incidents that ended: an article for each, and what worked how often."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from incidents import belief, lifecycle
from incidents.belief import Cause
from incidents.models import (
    Alert,
    Incident,
    KnowledgeArticle,
    KnownFix,
    Severity,
    TimelineEntry,
)
from incidents.models.knowledge import FixOutcome

ACTOR = "knowledge"
KNOWN_ISSUE = "known_issue"
LONGEST_TEXT = 300
MOST_SYMPTOMS = 10
MOST_HIGHLIGHTS = 12
DULL_KINDS = ("analysis", "comment", "knowledge", "alert_refired", "snoozed", "assigned")
MOST_TERMS = 8
MOST_RANKED = 200
OVERDUE = timedelta(seconds=30)
FORGOTTEN = timedelta(days=1)
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&:@$^])")
_LINE_START = re.compile(r"^([-=]|\d+(?=\.))")
_WORD = re.compile(r"\w{2,}")


@transaction.atomic
def learn(number: int) -> bool:
    """Writes or brings up to date the article of an incident that has ended.

    Can run again at any time; false when there is nothing new, or the incident is still active.
    An article a person has edited is left as it is.
    """
    incident = lifecycle.locked(number)
    if incident.is_active or incident.merged_into_id is not None:
        return False
    outcomes = list(incident.fix_outcomes.select_related("fix"))
    body = _body(incident, outcomes)
    article = KnowledgeArticle.objects.filter(incident=incident).first()
    if article is not None and article.learnt_hash != _hash(article.body):
        return False
    if article is not None and article.body == body and article.title == incident.title:
        return False
    article = article or KnowledgeArticle(incident=incident)
    article.title, article.body, article.learnt_hash = incident.title, body, _hash(body)
    article.service, article.classification = incident.service, incident.classification
    article.save()
    _tell(incident, article, outcomes)
    return True


@transaction.atomic
def record_fix(number: int, *, runbook: str, verified: bool, reference: str) -> bool:
    """Counts once that a runbook was tried on the incident, and whether the signal came back.

    `reference` names the try, for example "execution:17"; false when it has been counted before.
    """
    incident = lifecycle.locked(number)
    if FixOutcome.objects.filter(reference=reference).exists():
        return False
    fix = _known_fix(incident, runbook)
    FixOutcome.objects.create(fix=fix, incident=incident, reference=reference, verified=verified)
    counted = "successes" if verified else "failures"
    setattr(fix, counted, F(counted) + 1)
    fix.last_incident = incident
    fix.save(update_fields=[counted, "last_incident", "updated_at"])
    learn(number)
    return True


def sweep(at: datetime) -> list[int]:
    """Incidents that ended a while ago and from which nothing was learnt: a bell was lost."""
    told = TimelineEntry.objects.filter(incident=OuterRef("pk"), kind=ACTOR)
    ended = Incident.objects.filter(
        ~Exists(told),
        status__in=(Incident.Status.RESOLVED, Incident.Status.CLOSED),
        merged_into=None,
        resolved_at__lt=at - OVERDUE,
        resolved_at__gt=at - FORGOTTEN,
    )
    return list(ended.values_list("number", flat=True)[:MOST_RANKED])


def search(text: str, limit: int = 20) -> list[KnowledgeArticle]:
    """The articles that have most of the words, in the title before the body."""
    terms = list(dict.fromkeys(_WORD.findall(text[:LONGEST_TEXT].lower())))[:MOST_TERMS]
    if not terms:
        return []
    asked = Q()
    for term in terms:
        asked |= Q(title__icontains=term) | Q(body__icontains=term) | Q(service__slug=term)
    found = KnowledgeArticle.objects.filter(asked).select_related("service")[:MOST_RANKED]
    return sorted(found, key=lambda article: -_relevance(article, terms))[:limit]


def escape_markdown(text: str) -> str:
    """One line that Markdown shows as it is written: no link, markup or list comes out of it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    cut = line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
    escaped = _MARKUP.sub(r"\\\1", cut).replace("www.", r"www\.")
    return _LINE_START.sub(lambda found: _escape_start(found[0]), escaped)


def _escape_start(start: str) -> str:
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def _relevance(article: KnowledgeArticle, terms: list[str]) -> float:
    title, body = article.title.lower(), article.body.lower()
    return sum(3 * (term in title) + (term in body) for term in terms)


def _known_fix(incident: Incident, runbook: str) -> KnownFix:
    """A known issue is counted where it is known, so that one fix does not become two."""
    alert = _defining_alert(incident)
    name = alert.name if alert else incident.title[:255]
    about: dict[str, Any] = {"service": incident.service, "alert_name": name, "runbook": runbook}
    if incident.classification == KNOWN_ISSUE:
        known = KnownFix.objects.filter(**about).first()
        if known is not None:
            return known
    classification = incident.classification or "unknown"
    fix, _ = KnownFix.objects.get_or_create(classification=classification, **about)
    return fix


def _alerts_of(incident: Incident) -> QuerySet[Alert]:
    return Alert.objects.filter(links__incident=incident).select_related("service")


def _defining_alert(incident: Incident) -> Alert | None:
    """The gravest of the suspected service's alerts, of equals the one linked first."""
    alerts = list(_alerts_of(incident).order_by("links__pk")[:MOST_RANKED])
    own = [alert for alert in alerts if alert.service_id == incident.service_id]
    return min(own or alerts, key=_gravity, default=None)


def _gravity(alert: Alert) -> int:
    return Severity(alert.severity).rank


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _tell(incident: Incident, article: KnowledgeArticle, outcomes: list[FixOutcome]) -> None:
    text = f"Knowledge base: {'; '.join(fix_words(outcomes)) or 'ended without a recorded fix'}"
    payload: dict[str, Any] = {
        "article": article.pk,
        "fixes": [{"runbook": o.fix.runbook, "verified": o.verified} for o in outcomes],
    }
    lifecycle.record(incident, "knowledge", text, actor=ACTOR, payload=payload)


def fix_words(outcomes: list[FixOutcome]) -> list[str]:
    return [
        f"{outcome.fix.runbook} fixed it, verified"
        if outcome.verified
        else f"{outcome.fix.runbook} was tried, but the signal did not come back"
        for outcome in outcomes
    ]


def _body(incident: Incident, outcomes: list[FixOutcome]) -> str:
    parts = {
        "What it was": _what(incident),
        "Symptoms": _symptoms(incident),
        "Probable cause": _cause(incident),
        "What happened": _highlights(incident),
        "What fixed it": _fixes(outcomes),
    }
    return (
        "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in parts.items()) + "\n"
    )


def _what(incident: Incident) -> Iterator[str]:
    yield escape_markdown(incident.title)
    yield ""
    yield f"- Incident: INC-{incident.number}, {incident.severity}"
    service = incident.service.slug if incident.service else "not known"
    yield f"- Service: {escape_markdown(service)}"
    yield f"- Kind: {(incident.classification or 'unknown').replace('_', ' ')}"
    if incident.resolved_at:
        minutes = (incident.resolved_at - incident.onset_at).total_seconds() / 60
        yield f"- Lasted: {max(0.0, minutes):.0f} min from {incident.onset_at:%Y-%m-%d %H:%M} UTC"


def _symptoms(incident: Incident) -> Iterator[str]:
    alerts = list(_alerts_of(incident).order_by("links__pk")[:MOST_SYMPTOMS])
    for alert in alerts:
        place = f" on {escape_markdown(alert.service.slug)}" if alert.service else ""
        summary = f": {escape_markdown(alert.summary)}" if alert.summary else ""
        yield f"- {escape_markdown(alert.name)}{place}{summary}"
    if incident.alert_count > len(alerts):
        yield f"- and {incident.alert_count - len(alerts)} more alerts"
    if not alerts and not incident.alert_count:
        yield "No alert is linked to it."


def _cause(incident: Incident) -> Iterator[str]:
    cause = belief.believed(belief.causes_of(incident))
    if cause is None:
        yield f"{escape_markdown(incident.cause)}." if incident.cause else "Not known."
        return
    yield f"{escape_markdown(cause.found['title'])}. {_sureness(cause)}"
    yield ""
    for evidence in cause.found["evidence"]:
        against = "against it: " if evidence["against"] else ""
        yield f"- {against}{escape_markdown(evidence['text'])}"


def _sureness(cause: Cause) -> str:
    if not cause.is_confirmed or cause.label is None:
        return f"Confidence {cause.found['confidence']:.2f}."
    who = cause.label.by.username if cause.label.by else "a person"
    return f"Confirmed by {escape_markdown(who)}."


def _highlights(incident: Incident) -> Iterator[str]:
    """Up to the end as it was recorded: what is said later must not make the article look new."""
    entries = incident.timeline.exclude(kind__in=DULL_KINDS)
    end = incident.timeline.filter(kind="status", payload__to=str(Incident.Status.RESOLVED)).last()
    if end is not None:
        entries = entries.filter(seq__lte=end.seq)
    for entry in _ends(list(entries)):
        yield f"- {entry.at:%H:%M:%S} {escape_markdown(entry.text)}"


def _ends(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """How it began and how it ended, when there is too much between."""
    if len(entries) <= MOST_HIGHLIGHTS:
        return entries
    half = MOST_HIGHLIGHTS // 2
    return [*entries[:half], *entries[-half:]]


def _fixes(outcomes: list[FixOutcome]) -> list[str]:
    words = [f"- {escape_markdown(words)}" for words in fix_words(outcomes)]
    return words or ["It was resolved without a recorded fix."]
