"""The API's reference as a page of our own: the strict CSP lets no foreign viewer in."""

from collections import defaultdict
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from aiops_site.schema import Generator

Document = dict[str, Any]


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    document = _document()
    groups = _groups(document)
    facts = {"info": document["info"], "groups": groups, "shapes": _shapes(document)}
    facts["count"] = sum(len(group["operations"]) for group in groups)
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
            tag = operation.get("tags", ["other"])[0]
            by_tag[tag].append(_operation(path, method, operation))
    return [{"tag": tag, "operations": by_tag[tag]} for tag in sorted(by_tag)]


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


def _shapes(document: Document) -> list[Document]:
    schemas = document["components"]["schemas"]
    return [{"name": name, **_fields(schemas[name])} for name in sorted(schemas)]


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
