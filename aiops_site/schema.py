"""What the generated OpenAPI document cannot find out by itself."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from aiops_site.api import MEDIA_TYPE
from aiops_site.schema_links import add_links
from aiops_site.schema_refusals import describe_refusals
from incidents.providers import PROVIDERS

Document = dict[str, Any]
TOKEN_WAYS: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}]
NO_NUL, NO_BLANK = r"^[^\u0000]*$", r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
PROBLEM: Document = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"description": "What is wrong, by field."},
        "problems": {
            "type": "object",
            "description": "Why no plan can be made, by parameter or path in the runbook.",
            "additionalProperties": {"type": "string"},
        },
        "difference": {
            "type": "array",
            "description": "How the plan differs from the one that was shown.",
            "items": {"type": "string"},
        },
        "plan_hash": {"type": "string", "description": "Of the plan as it is now."},
        "position": {"type": "integer", "description": "Where the search stops making sense."},
        "suggestion": {"type": "string", "description": "What was probably meant."},
    },
}
WORDS = {
    "400": "Something in the request is not valid.",
    "401": "The caller is not known.",
    "403": "The caller may not do this.",
    "404": "There is no such thing.",
    "405": "The path does not take this method.",
    "409": "The state of things does not allow it.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not read here.",
    "422": "The body cannot be understood.",
    "503": "The database does not answer; try again.",
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "aiops_site.authentication.TokenAuthentication"
    name = ["bearer", "basic"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        return TOKEN_WAYS

    def get_security_definition(self, auto_schema: AutoSchema) -> list[Document]:
        words = "An API token."
        return [
            {"type": "http", "scheme": "bearer", "description": words},
            {"type": "http", "scheme": "basic", "description": f"{words} As the password."},
        ]


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "aiops_site.authentication.BrowserAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> Document:
        words = "The session of a signed-in person; unsafe requests also need X-CSRFToken."
        name = "sessionid"
        return {"type": "apiKey", "in": "cookie", "name": name, "description": words}


class Generator(SchemaGenerator):
    def get_schema(
        self,
        request: Any = None,
        public: bool = False,  # noqa: FBT001, FBT002 - as inherited
    ) -> Document:
        document: Document = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        _describe_problems(document)
        _close_requests(document)
        _describe_queries(document)
        document["paths"] |= _intake()
        describe_refusals(document)
        add_links(document)
        return document


def _describe_problems(document: Document) -> None:
    """Every operation can answer with problem details."""
    document["components"]["schemas"]["Problem"] = PROBLEM
    for item in document["paths"].values():
        for method, operation in item.items():
            for code in _codes(method, operation):
                operation["responses"].setdefault(code, _problem(code))


def _close_requests(document: Document) -> None:
    """Bodies refuse fields they do not know, NUL characters, and blanks where text is needed."""
    for name, shape in document["components"]["schemas"].items():
        if name.endswith("Request") and "properties" in shape:
            shape["additionalProperties"] = False
            _describe_texts(shape)


def _describe_texts(shape: Document) -> None:
    inner = [*shape.get("properties", {}).values(), *filter(None, [shape.get("items")])]
    for part in inner:
        _describe_text(part)
        _describe_texts(part)


def _describe_text(part: Document) -> None:
    if part.get("type") == "string" and not {"anyOf", "enum", "format", "pattern"} & set(part):
        part["pattern"] = NO_BLANK if part.get("minLength") else NO_NUL


def _describe_queries(document: Document) -> None:
    """A choice that is left empty, as a form sends it, filters nothing."""
    for item in document["paths"].values():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                _describe_text(parameter["schema"])
                parameter |= {"allowEmptyValue": True} if "enum" in parameter["schema"] else {}


def _intake() -> Document:
    """The paths that are served in front of Django."""
    by_path = _webhook("webhook_by_path", [_PROVIDER, _TOKEN]) | {"security": [{}]}
    return {
        "/api/v1/webhooks/{provider}/": {"post": _webhook("webhook", [_PROVIDER])},
        "/api/v1/webhooks/{provider}/{token}/": {"post": by_path},
        "/v2/enqueue": {"post": _enqueue("pagerduty_enqueue", "alert events", _ALERT_EVENT)},
        "/v2/change/enqueue": {
            "post": _enqueue("pagerduty_change_enqueue", "change events", _CHANGE_EVENT)
        },
        **{f"/v1/{each}": {"post": _export(each)} for each in ("metrics", "logs", "traces")},
        "/prometheus/api/v1/write": {"post": _remote_write()},
    }


def _codes(method: str, operation: Document) -> list[str]:
    codes = ["401", "403", "404", "503"]
    if "parameters" in operation or method != "get":
        codes.append("400")
    return [*codes, "409", "415"] if method != "get" else codes


def _problem(code: str) -> Document:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": WORDS[code], "content": content}


_PROVIDER: Document = {
    "name": "provider",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": sorted(PROVIDERS)},
}
_TOKEN: Document = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "For senders that cannot set a header.",
    "schema": {"type": "string"},
}


def _webhook(name: str, parameters: list[Document]) -> Document:
    receipt = {
        "type": "object",
        "required": ["message", "duplicate"],
        "properties": {"message": {"type": "string"}, "duplicate": {"type": "boolean"}},
    }
    return {
        "operationId": name,
        "description": "A delivery of a monitoring product, thanked once it is committed.",
        "tags": ["intake"],
        "parameters": parameters,
        "security": TOKEN_WAYS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": _answers("202", "It is kept.", receipt, "400 401 404 413 415 422 503"),
    }


_ALERT_EVENT: Document = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string"},
        "event_action": {"type": "string", "enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string"},
        "payload": {"type": "object"},
    },
}
_CHANGE_EVENT: Document = {
    "type": "object",
    "required": ["routing_key", "payload"],
    "properties": {
        "routing_key": {"type": "string"},
        "payload": {
            "type": "object",
            "required": ["summary"],
            "properties": {
                "summary": {"type": "string", "minLength": 1},
                "timestamp": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
        "links": {"type": "array", "items": {"type": "object"}},
    },
}


def _enqueue(name: str, words: str, event: Document) -> Document:
    receipt = {
        "type": "object",
        "required": ["status", "message"],
        "properties": {
            "status": {"type": "string"},
            "message": {"type": "string"},
            "dedup_key": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    }
    answers = _answers("202", "It is kept.", receipt, "503")
    answers["400"] = answers["413"] = {
        "description": "The event cannot be read.",
        "content": {"application/json": {"schema": receipt}},
    }
    return {
        "operationId": name,
        "description": f"PagerDuty's {words}; the routing key is the integration's token.",
        "tags": ["intake"],
        "security": [{}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": event}}},
        "responses": answers,
    }


def _export(signal: str) -> Document:
    body = {"application/json": {"schema": {"type": "object"}}}
    body["application/x-protobuf"] = {"schema": {"type": "string", "format": "binary"}}
    status = {"description": "google.rpc.Status in the encoding of the request."}
    return {
        "operationId": f"otlp_{signal}",
        "description": f"OTLP/HTTP {signal}, protobuf or JSON, gzip allowed.",
        "tags": ["intake"],
        "security": TOKEN_WAYS,
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": {"description": "The signal's Export...ServiceResponse.", "content": body},
            **dict.fromkeys(("400", "401", "413", "415", "503"), status),
        },
    }


def _remote_write() -> Document:
    words = {"description": "What is wrong, in words."}
    body = {"application/x-protobuf": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "operationId": "remote_write",
        "description": "Prometheus' remote-write 1.0, packed with snappy.",
        "tags": ["intake"],
        "security": TOKEN_WAYS,
        "requestBody": {"required": True, "content": body},
        "responses": {
            "204": {"description": "All of it is kept."},
            **dict.fromkeys(("400", "401", "413", "415", "503"), words),
        },
    }


def _answers(code: str, words: str, schema: Document, problems: str) -> Document:
    content = {"application/json": {"schema": schema}}
    return {
        code: {"description": words, "content": content},
        **{each: _problem(each) for each in problems.split()},
    }
