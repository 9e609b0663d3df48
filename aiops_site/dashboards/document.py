"""A dashboard as a document: what it may hold, and what is wrong with one."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from automation.problem import words_for, written

COLUMNS = 12
MOST_PANELS = 24
MOST_BYTES = 512 * 1024
MOST_PROBLEMS = 20
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Word = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f]*$")]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*$")]
Prose = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
Expression = Annotated[
    str, StringConstraints(min_length=1, max_length=5_000, pattern=r"^[^\x00]*$")
]
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(ms|s|m|h|d|w)$")]


class NotADashboard(ValueError):
    """`problems` says where and what, such as "panels[2].width: ..."."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems

    @property
    def by_place(self) -> dict[str, str]:
        """What is wrong of the whole is under "document"."""
        found: dict[str, str] = {}
        for each in self.problems:
            place, colon, words = each.partition(": ")
            is_placed = colon and " " not in place
            found[place if is_placed else "document"] = words if is_placed else each
        return found


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Query(Part):
    """`legend` names each series, with {{label}} for its labels; or they name themselves."""

    expr: Expression
    legend: Line = ""


class Threshold(Part):
    """From `value` upwards it is bad."""

    value: float
    level: Literal["critical", "high", "medium"] = "critical"


class Placed(Part):
    """Panels flow in their order over 12 columns; `height` counts rows of 80 pixels.

    `id` stays with a panel wherever it is moved; 0 asks for a new one.
    """

    id: int = Field(0, ge=0, le=999_999)
    title: Line = ""
    width: int = Field(6, ge=1, le=COLUMNS)
    height: int = Field(3, ge=1, le=10)


class Asking(Placed):
    """`source` names an outside source, asked in its own language; empty is our own store."""

    queries: list[Query] = Field(min_length=1, max_length=10)
    unit: Word = ""
    thresholds: list[Threshold] = Field([], max_length=5)
    source: Word = ""


class MetricPanel(Asking):
    type: Literal["metric"]
    legend: Literal["below", "none"] = "below"


class StatPanel(Asking):
    type: Literal["stat"]


class TablePanel(Asking):
    type: Literal["table"]


class LogsPanel(Placed):
    type: Literal["logs"]
    text: Line = ""
    service: Word = ""
    least: Literal["any", "info", "warning", "error"] = "any"


class TopologyPanel(Placed):
    """Around one service, or all of them."""

    type: Literal["topology"]
    service: Word = ""


class IncidentsPanel(Placed):
    """`query` is what the search over the list of incidents takes."""

    type: Literal["incidents"]
    query: Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00]*$")] = "is:active"


class MarkdownPanel(Placed):
    type: Literal["markdown"]
    text: Prose = ""


Panel = Annotated[
    MetricPanel
    | StatPanel
    | TablePanel
    | LogsPanel
    | TopologyPanel
    | IncidentsPanel
    | MarkdownPanel,
    Field(discriminator="type"),
]


class Variable(Part):
    """What `$name` stands for within the quotes of a label's value.

    `service`: the services that are known; `label`: the values of the label `label` of the series
    that `selector` finds; `list`: `values` and no others; `interval`: `values`, each a duration,
    which may also stand outside of quotes.
    """

    name: Name
    title: Word = ""
    kind: Literal["service", "label", "list", "interval"]
    label: Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_.]{0,99})?$")] = ""
    selector: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    values: list[Line] = Field([], max_length=100)
    default: Line = ""
    many: bool = False

    @model_validator(mode="after")
    def _demand_what_its_kind_needs(self) -> "Variable":
        if self.kind == "label" and not self.label:
            raise ValueError("it needs the label whose values it has")
        if self.kind in ("list", "interval") and not self.values:
            raise ValueError("it needs a list of values")
        if self.kind == "interval":
            _Durations(values=self.values)
        return self


class _Durations(Part):
    values: list[Duration]


class Document(Part):
    """`time` is how far back a first look goes, `refresh_seconds` how often it looks again."""

    title: Title
    description: Prose = ""
    time: Duration = "1h"
    refresh_seconds: Literal[0, 10, 30, 60, 300] = 0
    variables: list[Variable] = Field([], max_length=12)
    panels: list[Panel] = Field([], max_length=MOST_PANELS)

    @model_validator(mode="after")
    def _demand_names_once(self) -> "Document":
        names = [each.name for each in self.variables]
        if len(set(names)) < len(names):
            raise ValueError("two variables have the same name")
        ids = [each.id for each in self.panels if each.id]
        if len(set(ids)) < len(ids):
            raise ValueError("two panels have the same id")
        return self

    def panel(self, number: int) -> Panel | None:
        return next((each for each in self.panels if each.id == number), None)


def load(given: Any) -> Document:
    """From what JSON holds. Every panel has an id then. Raises NotADashboard."""
    try:
        document = Document.model_validate(given)
    except ValidationError as error:
        raise NotADashboard(list(_problems(error))) from error
    if len(dump(document)) > MOST_BYTES:
        raise NotADashboard([f"A dashboard has at most {MOST_BYTES // 1024} kB."])
    return numbered(document)


def read(text: str) -> Document:
    """From JSON. Raises NotADashboard."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise NotADashboard([f"A dashboard has at most {MOST_BYTES // 1024} kB."])
    try:
        return load(orjson.loads(text))
    except (orjson.JSONDecodeError, UnicodeError) as error:
        raise NotADashboard([f"This is not JSON: {error}."]) from error


def numbered(document: Document) -> Document:
    """With an id for each panel that has none."""
    free = max((each.id for each in document.panels), default=0) + 1
    panels = []
    for panel in document.panels:
        panels.append(panel if panel.id else panel.model_copy(update={"id": free}))
        free += not panel.id
    return document.model_copy(update={"panels": panels})


def plain(document: Document) -> dict[str, Any]:
    """Of JSON types, without what is as it would be anyway."""
    return document.model_dump(mode="json", exclude_defaults=True)


def dump(document: Document) -> bytes:
    return orjson.dumps(plain(document), option=orjson.OPT_INDENT_2)


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_context=False)[:MOST_PROBLEMS]:
        where = written(part for part in each["loc"] if part not in _TYPES)
        yield f"{where}: {words_for(each)}" if where else words_for(each)


_TYPES = ("metric", "stat", "table", "logs", "topology", "incidents", "markdown")
