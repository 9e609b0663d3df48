"""The parts of a Grafana dashboard's JSON that are read, schema versions 16 to 41.

https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/
What is not read here is ignored; what comes in many shapes is left as it is and read with `at`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class Target(Loose):
    expr: str | None = None
    legend_format: str | None = Field(None, alias="legendFormat")
    hide: bool | None = None
    datasource: Any = None


class Place(Loose):
    h: float = 8
    w: float = 12
    x: float = 0
    y: float = 0


class GrafanaPanel(Loose):
    """`span` counts the columns of 12 that it took before `gridPos` came."""

    type: str = ""
    title: str | None = ""
    targets: list[Target] | None = None
    place: Place | None = Field(None, alias="gridPos")
    span: float | None = None
    panels: list["GrafanaPanel"] | None = None
    options: Any = None
    content: Any = None
    mode: Any = None
    field_config: Any = Field(None, alias="fieldConfig")
    yaxes: Any = None
    format: Any = None
    thresholds: Any = None
    colors: Any = None
    gauge: Any = None
    colours_value: Any = Field(None, alias="colorValue")
    datasource: Any = None
    transformations: list[Any] | None = None
    library: Any = Field(None, alias="libraryPanel")
    repeat: Any = None


class Row(Loose):
    panels: list[GrafanaPanel] = []


class GrafanaVariable(Loose):
    name: str = ""
    label: str | None = ""
    type: str = ""
    query: Any = None
    definition: Any = None
    current: Any = None
    multi: bool | None = False
    include_all: bool | None = Field(default=False, alias="includeAll")
    regex: Any = ""


class Templating(Loose):
    items: list[GrafanaVariable] = Field([], alias="list")


class GrafanaDashboard(Loose):
    title: str = ""
    description: str | None = ""
    version: int = Field(0, alias="schemaVersion")
    panels: list[GrafanaPanel] = []
    rows: list[Row] = []
    templating: Templating = Templating()
    time: Any = None


def at(value: Any, *path: str | int) -> Any:
    """What lies at a path of keys and indexes; None where the path leads nowhere."""
    for key in path:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def words(value: Any) -> str:
    """A text as it is; of anything else nothing."""
    return value.replace("\0", "") if isinstance(value, str) else ""
