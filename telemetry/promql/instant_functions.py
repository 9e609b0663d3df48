"""Functions of the values of one moment, each series for itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.store.frames import Values

Compute = Callable[..., Values]
Dates = npt.NDArray[np.datetime64]
LAST_SECOND = 2.0**40  # beyond, dates are of no use to anybody


def _larger(left: Values, right: Values) -> Values:
    """NaN wins over all but +Inf, as in Go."""
    reaches = np.isposinf(left) | np.isposinf(right)
    return np.where(reaches, np.inf, np.maximum(left, right))


def _smaller(left: Values, right: Values) -> Values:
    return -_larger(-left, -right)


def _round(values: Values, nearest: Values | float = 1.0) -> Values:
    inverse = 1.0 / np.asarray(nearest)
    rounded: Values = np.floor(values * inverse + 0.5) / inverse
    return rounded


def clamp(values: Values, low: Values, high: Values) -> Values:
    return _larger(low, _smaller(high, values))


def _within(dates: Dates, unit: str, whole: str) -> npt.NDArray[Any]:
    """How many whole units of the larger unit lie before each date."""
    passed = dates.astype(f"datetime64[{unit}]") - dates.astype(f"datetime64[{whole}]")
    return np.asarray(passed, dtype=np.int64)


def _days_in_month(dates: Dates) -> npt.NDArray[Any]:
    months = dates.astype("datetime64[M]")
    days = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    return np.asarray(days, dtype=np.int64)


def _of_date(part: Callable[[Dates], npt.NDArray[Any]]) -> Compute:
    """A part of the date, in UTC, of seconds since 1970."""

    def compute(seconds: Values) -> Values:
        is_date = np.abs(seconds) < LAST_SECOND
        dates = np.where(is_date, seconds, 0).astype(np.int64).astype("datetime64[s]")
        return np.where(is_date, part(dates), np.nan)

    return compute


DATE_FUNCTIONS: dict[str, Compute] = {
    "minute": _of_date(lambda dates: _within(dates, "m", "h")),
    "hour": _of_date(lambda dates: _within(dates, "h", "D")),
    "day_of_week": _of_date(lambda dates: (dates.astype("datetime64[D]").astype(int) + 4) % 7),
    "day_of_month": _of_date(lambda dates: _within(dates, "D", "M") + 1),
    "day_of_year": _of_date(lambda dates: _within(dates, "D", "Y") + 1),
    "days_in_month": _of_date(_days_in_month),
    "month": _of_date(lambda dates: _within(dates, "M", "Y") + 1),
    "year": _of_date(lambda dates: dates.astype("datetime64[Y]").astype(int) + 1970),
}
INSTANT_FUNCTIONS: dict[str, Compute] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "clamp_max": _smaller,
    "clamp_min": _larger,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "round": _round,
    "sgn": np.sign,
    "sqrt": np.sqrt,
    **DATE_FUNCTIONS,
}
