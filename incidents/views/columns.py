"""Which columns the list shows, and in which order: a choice kept in a cookie, like the other
display preferences."""

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
USUAL = "owner.alerts.age.-activity.cause"


@dataclass(frozen=True, slots=True)
class Column:
    """Severity, title with the number, and status always come first, and so are no choice."""

    name: str
    title: str
    is_shown: bool


def columns_of(request: HttpRequest) -> list[Column]:
    """The cookie has them in order, "owner.-age" with a dash for what is not shown. What it leaves
    out is not shown either."""
    said = request.COOKIES.get(COOKIE, USUAL).split(".")
    named = dict.fromkeys(word.removeprefix("-") for word in said)
    order = [*(name for name in named if name in TITLES), *TITLES]
    return [Column(name, TITLES[name], name in said) for name in dict.fromkeys(order)]
