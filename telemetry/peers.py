"""What the attributes of a span say about the other side, in the words of OpenTelemetry's
conventions, the older ones included: https://opentelemetry.io/docs/specs/semconv/registry/attributes/
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from telemetry.calls import Party
from telemetry.records import Span, SpanKind

_SYSTEMS = ("db.system.name", "db.system")
_NAMESPACES = ("db.namespace", "db.name")
_ADDRESSES = ("server.address", "net.peer.name", "net.sock.peer.name")
_URLS = ("url.full", "http.url")
_OPERATIONS = ("messaging.operation.type", "messaging.operation", "messaging.operation.name")
_DESTINATIONS = (
    "messaging.destination.template",
    "messaging.destination.name",
    "messaging.destination",
)
_SHORT_LIVED = ("messaging.destination.temporary", "messaging.destination.anonymous")
_SENDING = {"send", "publish", "create"}
_TAKING = {"receive", "process", "deliver"}
_LOOPBACK = {"localhost", "localhost.localdomain", "ip6-localhost"}


def role_of(span: Span) -> SpanKind:
    """The span's kind, or what its attributes make of it: a kind may be missing, and messages are
    taken and sent in batches by spans of the kind client.
    """
    if span.kind not in ("", "client"):
        return span.kind
    operation = operation_of(span)
    if operation in _TAKING:
        return "consumer"
    if operation in _SENDING:  # a batch links to the spans that made its messages, which count
        return "internal" if span.links else "producer"
    if span.kind == "client" and is_about_messages(span):  # it acknowledges one, for example
        return "internal"
    if span.kind == "" and (database_of(span) or span.attributes.get("peer.service")):
        return "client"
    return span.kind


def is_about_messages(span: Span) -> bool:
    return "messaging.system" in span.attributes


def operation_of(span: Span) -> str:
    """For example "send", "receive" or "process"; empty for what is not about messages."""
    return _first(span.attributes, _OPERATIONS)


def database_of(span: Span) -> Party | None:
    """Named for its server, database and product, as far as they are told."""
    attributes = span.attributes
    system = _first(attributes, _SYSTEMS)
    if not system:
        return None
    namespace, address = _first(attributes, _NAMESPACES), address_of(span)
    if namespace.isdigit():  # Redis counts its databases
        namespace = ""
    if namespace and is_number(address):  # one that changes with each start says less
        address = ""
    place = "/".join(filter(None, (address, namespace)))
    return Party(f"{place} ({system})" if place else system, "database")


def queue_of(span: Span) -> Party | None:
    """Named for its destination and product. Those that live for one client are one queue."""
    attributes = span.attributes
    name = _first(attributes, _DESTINATIONS)
    if any(attributes.get(key, "").casefold() == "true" for key in _SHORT_LIVED):
        name = attributes.get("messaging.destination.template", "temporary")
    return (
        Party(f"{name} ({attributes.get('messaging.system', 'queue')})", "queue") if name else None
    )


def address_of(span: Span) -> str:
    """The host that was called, in lower case; empty when it is not told or is this machine."""
    address = _first(span.attributes, _ADDRESSES) or _host(_first(span.attributes, _URLS))
    address = address.casefold().rstrip(".")
    is_here = address in _LOOPBACK or (is_number(address) and ip_address(address).is_loopback)
    return "" if is_here else address


def is_number(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _first(attributes: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")
