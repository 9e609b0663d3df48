"""Sections that a reader folded away: a choice kept in a cookie by static/ui/folding.js."""

from django import template
from django.template.context import Context

COOKIE = "folded"

register = template.Library()


@register.simple_tag(takes_context=True)
def folded(context: Context, name: str) -> str:
    """The attribute, with a space before it, of a section that is folded; else nothing."""
    names = context["request"].COOKIES.get(COOKIE, "").split(".")
    return " data-shut" if name in names else ""
