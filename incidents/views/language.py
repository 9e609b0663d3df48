"""The incident search of the pages: the shared language, and what waits to be done next."""

from dataclasses import replace

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from incidents import search
from incidents.models import Alert, AnalysisStep, Incident
from incidents.query import Term
from incidents.search import Search
from incidents.search_languages import INCIDENTS
from incidents.search_values import Asker, Meaning, moment, one_of, words

_UNFINISHED = (AnalysisStep.State.PENDING, AnalysisStep.State.RUNNING)


def _waits_for_approval(asker: Asker) -> Q:
    """Plans are kept by the app above; the relation is asked for by its name."""
    waiting = Incident.objects.filter(
        pk=OuterRef("pk"),
        remediations__status="proposed",
        remediations__expires_at__gt=asker.now,
    )
    return Q(Exists(waiting))


def _source(term: Term, asker: Asker) -> Q:
    """Asked the other way round than the other alert terms: a source has too many alerts to look
    them through once for each incident."""
    positive = replace(term, operator="=") if term.operator == "!=" else term
    alerts = Alert.objects.filter(words("integration__name")(positive, asker))
    found = Q(pk__in=alerts.filter(incident__isnull=False).values("incident"))
    return ~found if term.operator == "!=" else found


_LEFT = AnalysisStep.objects.filter(incident=OuterRef("pk"), state__in=_UNFINISHED)
_NEXT: dict[str, Meaning] = {"approval": _waits_for_approval, "analysis": Q(Exists(_LEFT))}
LANGUAGE = replace(
    INCIDENTS,
    fields={
        **INCIDENTS.fields,
        "next": one_of(_NEXT),
        "resolved": moment("resolved_at"),
        "source": _source,
    },
    values={**INCIDENTS.values, "next": tuple(_NEXT)},
)


def read(text: str, by: AbstractBaseUser | AnonymousUser) -> Search:
    """Raises `QuerySyntaxError`."""
    return search.read(text, LANGUAGE, by=by, at=timezone.now())
