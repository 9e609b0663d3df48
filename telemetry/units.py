"""Values as people read them: three significant digits, a space, the unit.

Units arrive as UCUM codes, as OpenTelemetry sends them: https://ucum.org/ucum
"""

from math import floor, isfinite, log10

_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h")),
    "ms": ((1e-3, "µs"), (1.0, "ms"), (1e3, "s"), (60e3, "min"), (3600e3, "h")),
    "By": ((1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB")),
}
_DASH = "\N{EN DASH}"
_PLAIN = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))
_ALIASES = {"bytes": "By", "B": "By", "By/s": "By/s", "seconds": "s", "1": "", "percent": "%"}


def format_value(value: float, unit: str) -> str:
    """For example `format_value(0.812, "s")` is "812 ms"; not-a-number is a dash."""
    if not isfinite(value):
        return _DASH
    factor, symbol = scale_for(value, unit)
    return _join(_three_digits(value / factor), symbol)


def format_range(lower: float, upper: float, unit: str) -> str:
    """Both ends in the unit of the larger one, which stands once, behind both; one end where both
    read the same."""
    factor, symbol = scale_for(max(abs(lower), abs(upper)), unit)
    ends = dict.fromkeys(_three_digits(end / factor) for end in (lower, upper))
    return _join(_DASH.join(ends), symbol)


def unit_symbol(unit: str) -> str:
    """What is written after a number that has not been scaled: "ms", "/s", "%", "B" or ""."""
    unit = _ALIASES.get(unit, unit)
    base, slash, per = unit.partition("/")
    if base.startswith("{") or base == "1":
        base = ""
    return f"{'B' if base == 'By' else base}{slash}{per}"


def scale_for(value: float, unit: str) -> tuple[float, str]:
    """What to divide numbers about as large as `value` by, and what to write behind them."""
    unit = _ALIASES.get(unit, unit)
    base, slash, per = unit.partition("/")
    scales = _SCALES.get(base)
    if scales is None:
        return _scale_of_a_count(value, unit)
    factor, symbol = _largest_below(value, scales)
    return (factor, f"{symbol}{slash}{per}") if value else (1.0, unit_symbol(unit))


def _scale_of_a_count(value: float, unit: str) -> tuple[float, str]:
    factor, prefix = _largest_below(value, _PLAIN)
    if unit == "%" or abs(value) < 10_000:
        return 1.0, unit_symbol(unit)
    return factor, f"{prefix}{unit_symbol(unit)}"


def _largest_below(value: float, scales: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    fitting = [scale for scale in scales if scale[0] <= abs(value)]
    return fitting[-1] if fitting else scales[0]


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    decimals = max(0, 2 - floor(log10(abs(value))))
    text = f"{value:,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _join(number: str, symbol: str) -> str:
    return f"{number} {symbol}".rstrip()
