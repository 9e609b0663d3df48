"""The API's reference as a page of our own: the strict CSP lets no foreign viewer in."""

import re
from collections import defaultdict
from functools import lru_cache
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from aiops_site.schema import Generator

Document = dict[str, Any]
REFERENCE = re.compile(rb'"#/components/schemas/([^"]+)"')


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """One group of operations at a time; all of them at once are too much for a browser."""
    document = _document()
    groups = _groups(document)
    chosen = request.GET.get("group") or groups[0]["tag"]
    group = next((each for each in groups if each["tag"] == chosen), None)
    if group is None:
        raise Http404(f"The API has no group “{chosen}”.")
    facts = {"info": document["info"], "groups": groups, "group": group}
    facts["shapes"] = _shapes(document, group["tag"])
    facts["count"] = sum(len(each["operations"]) for each in groups)
    return render(request, "api/docs.html", facts)


@lru_cache(maxsize=1)
def _document() -> Document:
    """Making it takes a second, and it changes with the code only."""
    document: Document = Generator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return document


def _groups(document: Document) -> list[Document]:
    by_tag: dict[str, list[Document]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag[_tag(operation)].append(_operation(path, method, operation))
    return [{"tag": tag, "operations": by_tag[tag]} for tag in sorted(by_tag)]


def _tag(operation: Document) -> str:
    return str(operation.get("tags", ["other"])[0])


def _operation(path: str, method: str, operation: Document) -> Document:
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "description": operation.get("description", ""),
        "parameters": [_parameter(each) for each in operation.get("parameters", [])],
        "body": _shape_of(operation.get("requestBody", {})),
        "responses": [
            {"code": code, "description": each.get("description", ""), **_shape_of(each)}
            for code, each in operation["responses"].items()
        ],
    }


def _parameter(parameter: Document) -> Document:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "description": parameter.get("description", ""),
        "type": _type(parameter.get("schema", {})),
    }


def _shape_of(part: Document) -> Document:
    """What a body is, in words, and the name of the shape to link to."""
    contents: list[Document] = list(part.get("content", {}).values())
    schema = contents[0].get("schema") if contents else None
    return {} if schema is None else {"type": _type(schema), "shape": _name(schema)}


def _shapes(document: Document, tag: str) -> list[Document]:
    """Those that operations of the group take or give, and what these are made of."""
    schemas = document["components"]["schemas"]
    paths = document["paths"].values()
    operations = [each for item in paths for each in item.values() if _tag(each) == tag]
    found: set[str] = set()
    new = _named_in(operations)
    while new:
        found |= new
        new = _named_in([schemas[name] for name in new]) - found
    return [{"name": name, **_fields(schemas[name])} for name in sorted(found)]


def _named_in(parts: list[Document]) -> set[str]:
    return {name.decode() for name in REFERENCE.findall(orjson.dumps(parts, default=str))}


def _fields(schema: Document) -> Document:
    required = schema.get("required", [])
    fields = [
        {
            "name": name,
            "type": _type(each),
            "shape": _name(each),
            "required": name in required,
            "description": each.get("description", ""),
        }
        for name, each in schema.get("properties", {}).items()
    ]
    return {"description": schema.get("description", ""), "type": _type(schema), "fields": fields}


def _type(schema: Document) -> str:
    if name := _name(schema):
        return f"list of {name}" if schema.get("type") == "array" else name
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    words = [schema.get("format") or schema.get("type", "anything")]
    return " or null".join([*words, ""]) if schema.get("nullable") else words[0]


def _name(schema: Document) -> str:
    inner = schema.get("items", schema) if schema.get("type") == "array" else schema
    parts = [inner, *inner.get("allOf", []), *inner.get("oneOf", [])]
    return next((part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part), "")
