"""Grafana's units in ours, and how its values are to be multiplied for them."""

import colorsys
import re
from collections.abc import Iterator
from typing import Any

from aiops_site.dashboards.document import Threshold
from aiops_site.dashboards.grafana.shape import GrafanaPanel, at, words

# https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
_UNITS = {
    "s": "s",
    "dtdurations": "s",
    "clocks": "s",
    "ms": "ms",
    "dtdurationms": "ms",
    "clockms": "ms",
    "bytes": "By",
    "decbytes": "By",
    "Bps": "By/s",
    "binBps": "By/s",
    "bps": "bit/s",
    "binbps": "bit/s",
    "bits": "bit",
    "decbits": "bit",
    "percent": "%",
    "percentunit": "%",
    "reqps": "/s",
    "ops": "/s",
    "rps": "/s",
    "wps": "/s",
    "iops": "/s",
    "pps": "/s",
    "cps": "/s",
    "eps": "/s",
    "mps": "/s",
    "opm": "/min",
    "rpm": "/min",
    "hertz": "Hz",
    "rothz": "Hz",
    "rotrpm": "/min",
    "celsius": "°C",
    "watt": "W",
    "volt": "V",
    "amp": "A",
    "joule": "J",
}
_FACTORS = {"percentunit": 100.0, "kbytes": 1024.0, "mbytes": 1024.0**2, "gbytes": 1024.0**3}
_NAMES = (("red", "critical"), ("orange", "high"), ("yellow", "medium"))
_HUES = ((15, "critical"), (40, "high"), (65, "medium"), (340, ""), (361, "critical"))
_NUMBERS = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\b")
_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
_OLD_LEVELS = {"critical": "critical", "warning": "high"}
MOST_THRESHOLDS = 5
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
LARGEST = 1e300


def unit_of(panel: GrafanaPanel) -> tuple[str, float]:
    """Our unit, and what values are multiplied by."""
    named = words(at(panel.field_config, "defaults", "unit"))
    name = named or words(at(panel.yaxes, 0, "format")) or words(panel.format)
    factor = _FACTORS.get(name, 1.0)
    return ("By" if name.endswith("bytes") else _UNITS.get(name, "")), factor


def thresholds_of(panel: GrafanaPanel, factor: float) -> list[Threshold]:
    """Those that warn and are shown; a share of the axis cannot be kept without its ends."""
    found = [*_steps(panel), *_limits(panel.thresholds), *_marks(panel)]
    kept = [
        Threshold.model_validate({"value": value * factor, "level": level})
        for value, level in found
        if level and abs(value) < LARGEST
    ]
    return kept[:MOST_THRESHOLDS]


def level_of(colour: str) -> str:
    """What a colour means, by its name or its hue; empty where it is no warning."""
    text = colour.lower()
    numbers = _NUMBERS.match(text)
    digits = _HEX.fullmatch(text)
    if not (numbers or digits):
        return next((level for name, level in _NAMES if name in text), "")
    parts = numbers.groups() if numbers else [int(each, 16) for each in digits.groups()]  # type: ignore[union-attr]
    hue, saturation, _ = colorsys.rgb_to_hsv(*(int(each) / 255 for each in parts))
    return next(level for most, level in _HUES if hue * 360 < most) if saturation > 0.2 else ""


def _steps(panel: GrafanaPanel) -> Iterator[tuple[float, str]]:
    """Every panel has some, whether they are drawn or not."""
    defaults = at(panel.field_config, "defaults")
    steps = at(defaults, "thresholds", "steps")
    style = at(defaults, "custom", "thresholdsStyle", "mode")
    is_hidden = at(panel.options, "colorMode") == "none" or (
        panel.type == "timeseries" and style in (None, "off")
    )
    if is_hidden or at(defaults, "thresholds", "mode") == "percentage":
        return
    for step in steps if isinstance(steps, list) else []:
        if _is_number(at(step, "value")):
            yield float(at(step, "value")), level_of(words(at(step, "color")))


def _limits(given: Any) -> Iterator[tuple[float, str]]:
    """Of the old graph: a list with a level each."""
    for each in given if isinstance(given, list) else []:
        level = _OLD_LEVELS.get(words(at(each, "colorMode")), "")
        if at(each, "op") == "gt" and _is_number(at(each, "value")):
            yield float(at(each, "value")), level


def _marks(panel: GrafanaPanel) -> Iterator[tuple[float, str]]:
    """Of the old single value: "85,95", and a colour below, between and above."""
    is_coloured = panel.colours_value or at(panel.gauge, "show")
    texts = words(panel.thresholds).split(",") if is_coloured else []
    for place, text in enumerate(texts[:MOST_THRESHOLDS], start=1):
        if _DECIMAL.fullmatch(text.strip()):
            yield float(text), level_of(words(at(panel.colors, place)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
