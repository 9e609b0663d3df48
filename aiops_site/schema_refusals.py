"""What a request may be refused for although it is as the document describes it.

A document can describe a text, but not that it makes sense. Whatever else is as described is
taken, or answered with 409 when other things stand in its way.
"""

from typing import Any

Document = dict[str, Any]
DASHBOARD = "The document is no dashboard, or one of its queries cannot be read."
LABELS = "The name of a label in the mapping is empty, or longer than 128 characters."
MATCHERS = "A matcher cannot be read, or its pattern is none."
PARAMETERS = "The parameters are not those of the runbook."
RUNBOOK = "The text is not a runbook, or that of another one."
SOURCE = "The address is none, or the settings are not those of its kind."
STRETCH = "It names neither a series nor a service and a metric, or it ends before it begins."
SEARCH = "The search cannot be read; `position` says where."

REFUSALS = {
    "changes_create": "The url is none, or a moment is too far away.",
    "changes_list": "A moment is too far away.",
    "correlation_rules_create": MATCHERS,
    "correlation_rules_partial_update": MATCHERS,
    "correlation_rules_update": MATCHERS,
    "dashboards_create": DASHBOARD,
    "dashboards_import_create": "It is neither a dashboard of ours nor one of Grafana's.",
    "dashboards_update": DASHBOARD,
    "dependencies_create": "A service does not depend on itself.",
    "import_catalog": "The text is no catalogue of services.",
    "integrations_create": LABELS,
    "integrations_partial_update": LABELS,
    "integrations_update": LABELS,
    "incidents_snooze_create": "The moment has passed.",
    "pagerduty_enqueue": "The routing key is not known, or the event cannot be read.",
    "pagerduty_change_enqueue": "The routing key is not known, or the event cannot be read.",
    "policies_create": f"{MATCHERS} Or the window is none.",
    "policies_partial_update": f"{MATCHERS} Or the window is none.",
    "policies_update": f"{MATCHERS} Or the window is none.",
    "remediations_create": PARAMETERS,
    "runbooks_create": RUNBOOK,
    "runbooks_preview_create": PARAMETERS,
    "runbooks_versions_create": RUNBOOK,
    "saved_views_create": SEARCH,
    "saved_views_partial_update": SEARCH,
    "saved_views_update": SEARCH,
    "sources_create": SOURCE,
    "sources_partial_update": SOURCE,
    "sources_update": SOURCE,
    "series": STRETCH,
    "series_figure": STRETCH,
}
SEARCHED = "q"


def describe_refusals(document: Document) -> None:
    """Puts them down as what 400 means there. Every operation that is listed has to exist."""
    operations = {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for operation in item.values()
    }
    searches = {name: SEARCH for name, operation in operations.items() if _searches(operation)}
    for name, words in (searches | REFUSALS).items():
        refused = operations[name]["responses"]["400"]
        operations[name]["responses"]["400"] = refused | {"description": words}


def _searches(operation: Document) -> bool:
    return any(each["name"] == SEARCHED for each in operation.get("parameters", []))
