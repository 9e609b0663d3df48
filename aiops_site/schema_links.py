"""OpenAPI's links: from what was made, listed or read to everything that can be done with it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

ONE = re.compile(r"(?P<all>/api/v1/[a-z-]+/)\{(?P<key>\w+)\}/(?P<deed>[^{]*)")
KEY_OF_NEW = {"integrations_create": "integration/id", "runbooks_create": "runbook"}
GIVEN_ON = {
    ("remediations_create", "remediations_reject_create"): ("plan_hash", "plan_hash"),
    ("remediations_retrieve", "remediations_reject_create"): ("plan_hash", "plan_hash"),
    ("runbooks_create", "runbooks_publish_create"): ("version", "number"),
}


def add_links(document: Document) -> None:
    """Every operation on `/things/{key}/...` is linked from all that answer with such a thing."""
    deeds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, _, operation in _operations(document):
        if one := ONE.fullmatch(path):
            deeds[one["all"]].append((operation["operationId"], one["key"]))
    for path, method, operation in _operations(document):
        one = ONE.fullmatch(path)
        if one and (one["deed"], method) == ("", "get"):
            _link(operation, "200", deeds[one["all"]], "{key}")
        elif path in deeds and method == "post":
            _link(operation, "201", deeds[path], KEY_OF_NEW.get(operation["operationId"], "{key}"))
        elif path in deeds and method == "get":
            _link(operation, "200", deeds[path], "results/0/{key}")


def _link(operation: Document, code: str, deeds: list[tuple[str, str]], where: str) -> None:
    """`where` is the place of the thing's key in the answer."""
    links: Document = {}
    for name, key in deeds:
        place = f"$response.body#/{where.format(key=key)}"
        links[name] = {"operationId": name, "parameters": {key: place}}
        if given := GIVEN_ON.get((operation["operationId"], name)):
            links[name]["requestBody"] = {given[0]: f"$response.body#/{given[1]}"}
    links.pop(operation["operationId"], None)
    operation["responses"][code]["links"] = links


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation
