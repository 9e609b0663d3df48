"""A person judges a probable cause: this was it, or it was not. Each word is kept to learn from."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from incidents import belief, knowledge, lifecycle
from incidents.analysis import pipeline
from incidents.belief import Cause
from incidents.lifecycle import InvalidTransition, locked
from incidents.models import CauseLabel, Incident

Verdict = CauseLabel.Verdict
LONGEST_REASON = 500


@transaction.atomic
def judge(
    number: int, service: str, *, verdict: str | None, by: User, reason: str = ""
) -> Incident:
    """Of the cause that is the trouble of `service`; None takes back what was said of it.

    The incident's cause and service follow. When they change, an active incident is analysed
    again: the caller rings. Repeating is harmless.
    """
    word, reason = Verdict(verdict) if verdict else None, reason[:LONGEST_REASON]
    incident = locked(number)
    cause = _find(incident, service)
    if _is_said(cause, word, reason):
        return incident
    _withdraw(incident, cause, word)
    if word is not None:
        incident.cause_labels.create(
            service=cause.service, verdict=word, reason=reason, candidate=cause.found, by=by
        )
    _record(incident, cause, word, by=by, reason=reason)
    _follow(incident)
    return incident


def _find(incident: Incident, service: str) -> Cause:
    causes = belief.causes_of(incident)
    found = next((cause for cause in causes if cause.service == service), None)
    if found is None:
        suspects = ", ".join(cause.service for cause in causes) or "nobody"
        raise InvalidTransition(f"The analysis suspects {suspects}, not {service!r}; look again.")
    return found


def _is_said(cause: Cause, word: Verdict | None, reason: str) -> bool:
    if cause.label is None:
        return word is None
    return (cause.label.verdict, cause.label.reason) == (word, reason)


def _withdraw(incident: Incident, cause: Cause, word: Verdict | None) -> None:
    """What was said of this cause; only one can be confirmed, so the other one's word goes too."""
    standing = incident.cause_labels.standing()
    gone = standing.filter(service=cause.service)
    if word == Verdict.CONFIRMED:
        gone |= standing.filter(verdict=Verdict.CONFIRMED)
    gone.update(withdrawn_at=timezone.now())


def _record(
    incident: Incident, cause: Cause, word: Verdict | None, *, by: User, reason: str
) -> None:
    text = f"{_TOLD[word]}: {cause.found['title']}{f' ({reason})' if reason else ''}"
    payload = {"service": cause.service, "verdict": word, "reason": reason}
    lifecycle.record(incident, "cause", text, actor=by.username, payload=payload)


_TOLD = {
    Verdict.CONFIRMED: "Confirmed the cause",
    Verdict.REJECTED: "Not the cause",
    None: "Took back what was said of the cause",
}


def _follow(incident: Incident) -> None:
    before = incident.service_id
    pipeline.believe(incident)
    if not incident.is_active:
        knowledge.learn(incident.number)
    elif incident.service_id != before:
        pipeline.run_again(incident.number)
