"""The actions a runbook may name. To add one, write its module and add its line."""

from automation.actions.base import Action, ActionRefused, JsonObject
from automation.actions.http_request import HttpRequest
from automation.actions.restart import Restart

__all__ = ["ACTIONS", "Action", "ActionRefused", "JsonObject"]

ACTIONS: dict[str, type[Action]] = {
    "http_request": HttpRequest,
    "restart": Restart,
}
