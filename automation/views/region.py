"""The remediations of an incident: the one to look at now as a card, the others as lines."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from automation.models import Execution, Remediation
from automation.views.cards import RELATED, Card, card_of, execution_of, hashed, state_of
from incidents.models import Incident

OTHERS = 6
Status = Remediation.Status


@dataclass(frozen=True)
class Region:
    """`rest` changes whenever the part would be drawn differently, its card apart."""

    incident: Incident
    card: Card | None
    others: list[Remediation]
    may_propose: bool
    rest: str


def region_of(incident: Incident, person: User, *, chosen: int | None = None) -> Region:
    """`chosen` is the remediation a person wants to see; without one, the most pressing."""
    found = sorted(incident.remediations.select_related(*RELATED), key=_urgency)
    first = next((each for each in found if each.pk == chosen), found[0] if found else None)
    others = [each for each in found if each is not first][:OTHERS]
    card = card_of(first, person) if first else None
    may_propose = person.has_perm("automation.add_remediation") and incident.is_active
    return Region(
        incident=incident,
        card=card,
        others=others,
        may_propose=may_propose,
        rest=hashed([incident.status, *map(state_of, others)]),
    )


def _urgency(remediation: Remediation) -> tuple[int, float, int]:
    """Unknown first, then what runs, what waits, what ended, and last what expired."""
    execution = execution_of(remediation)
    if execution and execution.state == Execution.State.UNKNOWN:
        rank = 0
    elif remediation.status in (Status.RUNNING, Status.APPROVED):
        rank = 1
    elif remediation.status == Status.PROPOSED:
        return 2, -(remediation.confidence or 0.0), -remediation.pk
    else:
        rank = 4 if remediation.status == Status.EXPIRED else 3
    return rank, 0.0, -remediation.pk
