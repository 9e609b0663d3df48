"""What the metrics around the onset did, in words."""

from typing import Any

from incidents.analysis.finding import Evidence


def summary(
    seen: int, judged: int, departures: list[dict[str, Any]], silent: list[dict[str, Any]]
) -> str:
    """Of all series seen, and of those of which it is known what to expect."""
    words = [f"{quiet['service']} stopped reporting." for quiet in silent]
    if departures:
        words.append(f"{len(departures)} of {judged} series left their expected band:")
        words.append(f"{departures[0]['text']}.")
    elif judged:
        words.append(f"None of {judged} series left its expected band.")
    else:
        words.append(f"{seen} series seen; what is normal is still being learnt.")
    return " ".join(words)


def missing(services: set[str]) -> str:
    if not services:
        return "No alert names a service, so there is no metric to look at."
    return f"No metrics from {', '.join(sorted(services)[:5])} around the onset."


def silences(silent: list[dict[str, Any]]) -> list[Evidence]:
    return [
        Evidence(
            "metric",
            f"{quiet['service']} sent its last metrics, then none for {quiet['quiet_seconds']} s",
            quiet["offset_seconds"],
        )
        for quiet in silent
    ]


def evidence(departure: dict[str, Any]) -> Evidence:
    return Evidence("metric", departure["text"], departure["offset_seconds"])


def risen(rises: list[dict[str, Any]]) -> list[Evidence]:
    return [Evidence("metric", rise["text"], 0) for rise in rises[:4]]
