"""Template vocabulary of the console: icons, severities, states, times, confidence, Markdown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import nh3
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

register = template.Library()

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")

STATUS_ICONS: Final[Mapping[str, str]] = {
    "firing": "bell",
    "resolved": "resolved",
    "open": "open",
    "investigating": "investigating",
    "identified": "identified",
    "monitoring": "monitoring",
    "closed": "closed",
    "proposed": "inbox",
    "approved": "check",
    "running": "play",
    "verifying": "monitoring",
    "succeeded": "resolved",
    "failed": "critical",
    "rejected": "x",
    "expired": "clock",
    "invalidated": "refresh",
    "rolled_back": "undo",
    "pending": "open",
    "skipped": "minus",
    "stopped": "stop",
    "unknown": "help",
    "healthy": "resolved",
    "degraded": "medium",
    "down": "critical",
    "ok": "resolved",
    "receiving": "resolved",
    "silent": "clock",
    "paused": "pause",
    "learning": "trend",
    "waiting": "clock",
    "observed": "eye",
    "suggested": "inbox",
    "ran": "play",
    "held_back": "shield",
    "draft": "edit",
    "published": "resolved",
}

NOTHING: Final = "\N{EN DASH}"
DURATION_UNITS: Final = (
    (86400, "d", 3600, "h"),
    (3600, "h", 60, "m"),
    (60, "m", 1, "s"),
)
MARKDOWN_TAGS: Final = {
    *(
        "p",
        "br",
        "hr",
        "strong",
        "em",
        "s",
        "code",
        "pre",
        "blockquote",
        "ul",
        "ol",
        "li",
        "a",
    ),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw the icon of that name in static/ui/sprite.svg, hidden from screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("ui/sprite.svg"),
        name,
    )


@register.simple_tag
def severity(value: str, *, tag: bool = False) -> SafeString:
    """Show shape, word and colour; ``tag`` tints it, for page heads only."""
    known = value if value in SEVERITIES else "info"
    style = "sev tag" if tag else "sev"
    return format_html(
        '<span class="{}" data-sev="{}">{}{}</span>',
        style,
        known,
        icon(known),
        value.capitalize(),
    )


@register.simple_tag
def status(value: str, words: str = "") -> SafeString:
    """Show a coloured icon and a plain word; ``words`` replaces the word."""
    return format_html(
        '<span class="status" data-status="{}">{}{}</span>',
        value,
        icon(STATUS_ICONS.get(value, "info")),
        words or value.replace("_", " ").capitalize(),
    )


@register.simple_tag
def confidence(value: float | None) -> SafeString:
    """Show word, number and bar of a confidence between 0 and 1; a dash where there is none."""
    if value is None:
        return SafeString(NOTHING)
    bounded = min(1.0, max(0.0, float(value)))
    return format_html(
        '<span class="conf">{} {}<svg viewBox="0 0 48 6" aria-hidden="true">'
        '<rect width="{}" height="6"/></svg></span>',
        confidence_word(bounded),
        f"{bounded:.2f}",
        f"{48 * bounded:.1f}",
    )


def confidence_word(value: float) -> str:
    """Name a confidence: Likely from 0.70, Possible from 0.40, else Unlikely."""
    if value >= 0.7:
        return "Likely"
    return "Possible" if value >= 0.4 else "Unlikely"


@register.simple_tag
def ago(at: datetime | None, *, age: bool = False) -> SafeString:
    """Show how long ago, kept fresh in the browser; ``age`` leaves out the word ago."""
    if at is None:
        return SafeString('<span class="muted">never</span>')
    seconds = (timezone.now() - at).total_seconds()
    return format_html(
        '<time datetime="{}" data-relative="{}" title="{}">{}</time>',
        _iso(at),
        "age" if age else "ago",
        _full(at),
        _relative(seconds, suffix="" if age else " ago"),
    )


@register.simple_tag
def clock(at: datetime | None) -> SafeString:
    """Show the time of day; UTC from the server, the reader's zone once the page's script runs."""
    if at is None:
        return SafeString(NOTHING)
    return format_html(
        '<time datetime="{}" data-clock title="{}">{}</time>',
        _iso(at),
        _full(at),
        f"{at.astimezone(UTC):%H:%M}",
    )


@register.simple_tag
def duration(seconds: float | None) -> str:
    """Write seconds in its two largest units, such as "2 m 11 s"."""
    if seconds is None:
        return NOTHING
    whole = int(abs(seconds))
    for size, name, smaller, rest_name in DURATION_UNITS:
        if whole >= size:
            rest = whole % size // smaller
            return (
                f"{whole // size} {name} {rest} {rest_name}" if rest else f"{whole // size} {name}"
            )
    return f"{seconds:.1f} s" if 0 < abs(seconds) < 10 and seconds % 1 else f"{whole} s"


@register.simple_tag
def timer(*, since: datetime | None = None, until: datetime | None = None) -> SafeString:
    """Count up since, or down until, a moment; the browser moves it on every second."""
    moment = since or until
    if moment is None:
        return SafeString(NOTHING)
    seconds = max(0, int(abs((timezone.now() - moment).total_seconds())))
    return format_html(
        '<b role="timer" data-{}="{}">{}</b>',
        "since" if since else "until",
        _iso(moment),
        f"{seconds // 60:02d}:{seconds % 60:02d}",
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _full(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _relative(seconds: float, *, suffix: str) -> str:
    if abs(seconds) < 5:
        return "now"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= size)
    count = f"{int(abs(seconds) // size)} {unit}"
    return count + suffix if seconds > 0 else f"in {count}"


_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@register.simple_tag
def markdown(text: str) -> SafeString:
    """Render CommonMark with tables: no HTML, no images, links to http, https and mailto only."""
    return SafeString(
        nh3.clean(
            _MARKDOWN.render(text),
            tags=MARKDOWN_TAGS,
            attributes={"a": {"href"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
    )


def _heading_open(
    renderer: RendererProtocol,
    tokens: list[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return "<p><strong>"


def _heading_close(
    renderer: RendererProtocol,
    tokens: list[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return "</strong></p>\n"


_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_MARKDOWN.add_render_rule("heading_open", _heading_open)
_MARKDOWN.add_render_rule("heading_close", _heading_close)


@register.filter
def initials(name: str) -> str:
    """Take the first letters of the first and last word: "Dana Okafor" is DO."""
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [name[:2]]
    return "".join(letters).upper()
