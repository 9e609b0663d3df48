"""What is known to have helped: fixes by how surely they work, and articles to read.

How surely is the lower end of the 95 % interval of successes: one success of one counts for less
than seven of eight.
"""

from collections import defaultdict
from typing import Any

from incidents.analysis import case
from incidents.analysis.finding import Evidence, Finding, NotEnoughData
from incidents.analysis.proportion import wilson
from incidents.models import Alert, Incident, KnowledgeArticle, KnownFix

MOST_FIXES = 5
MOST_ARTICLES = 5


def look(incident: Incident) -> Finding:
    alerts = case.alerts_of(incident)
    fixes = _fixes(incident, alerts)
    articles = _articles(incident)
    if not fixes and not articles:
        raise NotEnoughData("No fix and no article is known for alerts like these yet.")
    return Finding(
        summary=_summary(fixes, articles),
        result={"fixes": fixes, "articles": articles},
        evidence=[Evidence("article", _sentence(one)) for one in [*fixes, *articles]],
        confidence=fixes[0]["lower_bound"] if fixes else None,
    )


def _fixes(incident: Incident, alerts: list[Alert]) -> list[dict[str, Any]]:
    """Known fixes of these alerts here, all rows of a runbook together, the surest first."""
    services = {alert.service_id for alert in alerts if alert.service_id}
    if incident.service_id:
        services.add(incident.service_id)
    known = KnownFix.objects.seen_with(
        alert_names={alert.name for alert in alerts}, service_ids=services
    )
    rows: dict[str, list[KnownFix]] = defaultdict(list)
    for fix in known:
        rows[fix.runbook].append(fix)
    fixes = [_fix(runbook, of_it) for runbook, of_it in rows.items()]
    fixes.sort(key=lambda fix: (-fix["lower_bound"], fix["runbook"]))
    return [fix for fix in fixes if fix["successes"]][:MOST_FIXES]


def _fix(runbook: str, rows: list[KnownFix]) -> dict[str, Any]:
    successes = sum(row.successes for row in rows)
    tries = successes + sum(row.failures for row in rows)
    newest = max(rows, key=lambda row: row.updated_at)
    return {
        "runbook": runbook,
        "successes": successes,
        "tries": tries,
        "worked": f"worked {successes} of {tries}",
        "lower_bound": round(wilson(successes, tries)[0], 2),
        "alert_names": sorted({row.alert_name for row in rows}),
        "classifications": sorted({row.classification for row in rows}),
        "last_incident": newest.last_incident_id,
    }


def _articles(incident: Incident) -> list[dict[str, Any]]:
    """Of the likest incidents first, then of the same kind of trouble on the same service."""
    similar = [one["number"] for one in case.found_by(incident, "similarity").get("similar", [])]
    others = KnowledgeArticle.objects.exclude(incident=incident)
    found = {
        a.pk: (a, f"INC-{a.incident_id} was like this") for a in others.filter(incident__in=similar)
    }
    about = others.about(service_id=incident.service_id, classification=incident.classification)
    for article in about[:MOST_ARTICLES]:
        found.setdefault(article.pk, (article, "same service and kind of trouble"))
    return [
        {"id": article.pk, "title": article.title, "why": why}
        for article, why in list(found.values())[:MOST_ARTICLES]
    ]


def _sentence(one: dict[str, Any]) -> str:
    if "runbook" in one:
        return f"{one['runbook']} {one['worked']} for {', '.join(one['alert_names'])}"
    return f"{one['title']} ({one['why']})"


def _summary(fixes: list[dict[str, Any]], articles: list[dict[str, Any]]) -> str:
    read = f"{len(articles)} article{'' if len(articles) == 1 else 's'} to read."
    if not fixes:
        return f"No fix is known; {read}"
    return f"{fixes[0]['runbook']} {fixes[0]['worked']} times.{f' {read}' if articles else ''}"
