"""A dashboard from JSON, whichever of the two kinds it is."""

from typing import Any

import orjson

from aiops_site.dashboards.document import NotADashboard, load
from aiops_site.dashboards.grafana import importing
from aiops_site.dashboards.grafana.importing import Imported

MOST_BYTES = 2 * 1024 * 1024


def read(text: str) -> Imported:
    """Raises NotADashboard."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise NotADashboard([f"The file has more than {MOST_BYTES // 1024 // 1024} MB."])
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotADashboard([f"This is not JSON: {error}."]) from error
    return of(given)


def of(given: Any) -> Imported:
    """Raises NotADashboard."""
    return importing.convert(given) if importing.is_grafana(given) else Imported(load(given))
