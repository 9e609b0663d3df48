"""What metrics, logs, traces and changes say around the onset, and what of it is kept."""

from incidents.analysis import metrics_around, recent_changes, recent_errors, snapshots
from incidents.analysis.finding import Finding, NotEnoughData
from incidents.models import Incident


def look(incident: Incident) -> Finding:
    """Raises NotEnoughData when nothing of all that speaks of the services."""
    changed, errors = recent_changes.before_onset(incident), recent_errors.around(incident)
    try:
        metrics = metrics_around.look(incident)
    except NotEnoughData as missing:
        if not (changed or errors.logs or errors.traces):
            raise
        metrics = metrics_around.nothing(incident, str(missing))
    result = {
        **metrics.result,
        "changes": changed,
        "errors": [_brief(fact, "lines") for fact in errors.logs],
        "traces": [_brief(fact, "spans") for fact in errors.traces],
        "unanswered": errors.problems,
    }
    said = (metrics.summary, recent_errors.in_words(errors), recent_changes.in_words(changed))
    return Finding(
        summary=" ".join(filter(None, said)),
        result=result,
        evidence=[
            *metrics.evidence,
            *recent_errors.evidence_of(errors),
            *recent_changes.evidence_of(changed),
        ],
        kept=snapshots.gather(incident, result, errors),
    )


def _brief(fact: dict[str, object], long: str) -> dict[str, object]:
    """The whole of it is in the evidence that is kept."""
    return {name: value for name, value in fact.items() if name != long}
