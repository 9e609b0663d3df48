"""The detectors there are. An unknown slug is a KeyError that names the known ones."""

from typing import Any

from telemetry.detectors.base import Detector, Judgement
from telemetry.detectors.seasonal import Seasonal

DETECTORS: dict[str, type[Detector]] = {
    Seasonal.slug: Seasonal,
}

__all__ = ["DETECTORS", "Detector", "Judgement", "make_detector"]


def make_detector(slug: str, **settings: Any) -> Detector:
    """Raises KeyError for an unknown slug and pydantic's ValidationError for a wrong setting."""
    if slug not in DETECTORS:
        raise KeyError(f"There is no detector {slug!r}. Known: {', '.join(sorted(DETECTORS))}.")
    return DETECTORS[slug](**settings)
