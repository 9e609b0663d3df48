"""What a page of an incident shows of its remediations."""

from typing import Any

from django import template
from django.template.context import Context

from automation.views.region import region_of
from incidents.models import Incident

register = template.Library()


@register.inclusion_tag("automation/region.html", takes_context=True)
def remediation_cards(context: Context, incident: Incident) -> dict[str, Any]:
    """The part keeps itself fresh; nothing is shown to those who may not see remediations."""
    request = context["request"]
    if not request.user.has_perm("automation.view_remediation"):
        return {"region": None}
    return {"region": region_of(incident, request.user), "request": request, "user": request.user}
