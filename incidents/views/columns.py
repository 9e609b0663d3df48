"""Which columns the list shows: a choice kept in a cookie, like the other display preferences."""

from dataclasses import dataclass

from django.http import HttpRequest

COOKIE = "columns"
TITLES = {
    "owner": "Owner",
    "alerts": "Alerts, 24 h",
    "age": "Age",
    "activity": "Last activity",
    "cause": "Probable cause, next step",
}
USUAL = ("owner", "alerts", "age", "cause")


@dataclass(frozen=True, slots=True)
class Column:
    """Severity, title with the number, and status are always there, and so no choice."""

    name: str
    title: str
    is_shown: bool


def columns_of(request: HttpRequest) -> list[Column]:
    """The cookie holds the shown ones, "owner.age"; empty shows none of them."""
    kept = request.COOKIES.get(COOKIE)
    shown = USUAL if kept is None else kept.split(".")
    return [Column(name, title, name in shown) for name, title in TITLES.items()]
