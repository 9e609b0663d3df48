"""Which resolved incidents were like this one, and what fixed them.

The likeness is 0.60 x the cosine of the words, weighed by how rare they are, + 0.25 x the share of
alert names in common + 0.15 if the suspected service is the same.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from incidents.analysis.finding import Evidence, Finding, NotEnoughData
from incidents.analysis.words import plain
from incidents.models import AlertLink, Incident
from incidents.models.knowledge import FixOutcome

NEWEST = 2000
MOST_LINKS = 20_000
MOST_SHOWN = 5
MOST_TERMS = 3
LEAST = 0.30
_WORDS, _ALERTS, _SERVICE = 0.60, 0.25, 0.15


@dataclass(slots=True)
class Document:
    """An incident as words, and the facts that are compared one by one."""

    number: int
    text: str
    service: str
    alert_names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Likeness:
    """`score` is between 0 and 1; `terms` are the words that matter most of those in common."""

    document: Document
    score: float
    terms: tuple[str, ...]


def look(incident: Incident) -> Finding:
    past = list(_past(incident))
    if not past:
        raise NotEnoughData("No incident has been resolved yet that this one could be compared to.")
    documents = _documents([incident, *past])
    likes = rank(documents[0], documents[1:])[:MOST_SHOWN]
    if not likes:
        return Finding(
            f"None of {len(past)} resolved incidents is like this one.",
            {"similar": [], "compared": len(past)},
        )
    by_number = {other.number: other for other in past}
    shown = [_as_json(like, documents[0], by_number) for like in likes]
    return Finding(
        summary=_summary(shown[0], len(shown)),
        result={"similar": shown, "compared": len(past)},
        evidence=[Evidence("incident", _sentence(one)) for one in shown],
        confidence=shown[0]["score"],
    )


def rank(document: Document, others: list[Document]) -> list[Likeness]:
    """Those at least `LEAST` alike, the likest and then the newest first."""
    cosines, terms = _compare_words([document.text, *(other.text for other in others)])
    scored = (
        Likeness(other, _score(document, other, cosine), common)
        for other, cosine, common in zip(others, cosines, terms, strict=True)
    )
    alike = [likeness for likeness in scored if likeness.score >= LEAST]
    return sorted(alike, key=lambda like: (-like.score, -like.document.number))


def _score(one: Document, other: Document, cosine: float) -> float:
    union = one.alert_names | other.alert_names
    names = len(one.alert_names & other.alert_names) / len(union) if union else 0.0
    is_same = bool(one.service) and one.service == other.service
    return round(min(1.0, _WORDS * cosine + _ALERTS * names + _SERVICE * is_same), 2)


def _compare_words(texts: list[str]) -> tuple[list[float], list[tuple[str, ...]]]:
    """The first text against each of the others: cosines, and the weightiest common words."""
    # 95 MB and 1.4 s: an idle worker which has not compared incidents yet stays that much smaller
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    if not any(len(word) > 1 for word in texts[0].split()):
        return [0.0] * (len(texts) - 1), [()] * (len(texts) - 1)
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts)
    names = vectorizer.get_feature_names_out()
    products = matrix[1:].multiply(matrix[0]).tocsr()
    cosines = [float(total) for total in products.sum(axis=1).ravel().tolist()[0]]
    return cosines, [_heaviest(products[row], names) for row in range(products.shape[0])]


def _heaviest(row: Any, names: Any) -> tuple[str, ...]:
    order = row.data.argsort()[::-1][:MOST_TERMS]
    return tuple(str(names[column]) for column in row.indices[order])


def _past(incident: Incident) -> Any:
    ended = (Incident.Status.RESOLVED, Incident.Status.CLOSED)
    past = Incident.objects.filter(status__in=ended, merged_into=None)
    return past.exclude(number=incident.number).select_related("service")[:NEWEST]


def _documents(incidents: list[Incident]) -> list[Document]:
    facts = _facts_of([incident.number for incident in incidents])
    return [_document(incident, *facts[incident.number]) for incident in incidents]


def _document(incident: Incident, names: set[str], words: set[str]) -> Document:
    service = incident.service.slug if incident.service else ""
    parts = [incident.title, incident.classification, service, *sorted(names), *sorted(words)]
    return Document(incident.number, " ".join(map(plain, parts)), service, names)


def _facts_of(numbers: list[int]) -> dict[int, tuple[set[str], set[str]]]:
    """Of each incident: the names of its alerts, and the values of their labels and services."""
    facts: dict[int, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    links = AlertLink.objects.filter(incident__in=numbers).order_by("-incident", "pk")
    columns = ("incident_id", "alert__name", "alert__service__slug", "alert__labels")
    for number, name, service, labels in links.values_list(*columns)[:MOST_LINKS]:
        names, words = facts[number]
        names.add(name)
        words.update(str(value) for value in labels.values())
        words.add(service or "")
    return facts


def _as_json(like: Likeness, to: Document, past: dict[int, Incident]) -> dict[str, Any]:
    other = past[like.document.number]
    outcome = FixOutcome.objects.filter(incident=other).order_by("-verified", "-at").first()
    seconds = (other.resolved_at - other.opened_at).total_seconds() if other.resolved_at else None
    return {
        "number": other.number,
        "title": other.title,
        "score": like.score,
        "matched": _matched(like, to),
        "fix": outcome.fix.runbook if outcome else None,
        "verified": bool(outcome and outcome.verified),
        "fix_seconds": None if seconds is None else round(seconds),
    }


def _matched(like: Likeness, to: Document) -> str:
    names = sorted(like.document.alert_names & to.alert_names)
    said = [f"same service {to.service}"] if to.service == like.document.service != "" else []
    if names:
        said.append(f"same alert{'s' if len(names) > 1 else ''} {', '.join(names[:3])}")
    if like.terms:
        said.append(f"words {', '.join(like.terms)}")
    return "; ".join(said)


def _sentence(one: dict[str, Any]) -> str:
    return f"INC-{one['number']} {one['title']}: {one['matched']}; {_fixed_by(one)}"


def _fixed_by(one: dict[str, Any]) -> str:
    if one["fix"] is None:
        return "it ended without a recorded fix"
    return f"{one['fix']} {'fixed it' if one['verified'] else 'was tried and did not help'}"


def _summary(first: dict[str, Any], count: int) -> str:
    like = f"INC-{first['number']} was like this ({first['score']:.2f}); {_fixed_by(first)}."
    return f"{like} {count - 1} more." if count > 1 else like
