"""What a metric is about, told by its name: exporters agree on little else."""

import re
from collections.abc import Mapping
from typing import Literal

from incidents.analysis.words import plain
from telemetry.service_names import slug_of

Kind = Literal["latency", "errors", "resource", "saturation", "traffic", "other"]

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("errors", re.compile(r"\b(errors?|failures?|failed|5xx|exceptions?|rejected|dropped)\b")),
    ("resource", re.compile(r"\b(memory|rss|heap|cpu|disk|filesystem|descriptors?|inodes|swap)\b")),
    ("latency", re.compile(r"\b(duration|latency|response time|wait|lag|seconds)\b")),
    ("saturation", re.compile(r"\b(active|queue|queued|in flight|pending|pool|connections)\b")),
    ("traffic", re.compile(r"\b(requests?|calls|messages|throughput)\b")),
)
_PEER_LABELS = ("peer.service", "peer_service", "destination_service")
_SUMMARIES = re.compile(r"\.(mean|p50|p95|p99)$")


def kind_of(name: str) -> Kind:
    words = plain(name)
    kind: Kind = next((kind for kind, pattern in _KINDS if pattern.search(words)), "other")
    return "traffic" if kind == "latency" and words.endswith(" rate") else kind


def stem_of(name: str) -> str:
    """What the quantiles and the mean of one histogram have in common."""
    return _SUMMARIES.sub("", name)


def parties_of(service: str, labels: Mapping[str, object]) -> tuple[str, str]:
    """Slugs of the service a series tells about, and of its caller if the caller measured it.

    The built-in store keeps a client's metrics under the service it called, with a label `caller`;
    others keep them under the client, with a label that names the peer.
    """
    if caller := slug_of(str(labels.get("caller") or "")):
        return service, caller
    peers = (slug_of(str(labels.get(name) or "")) for name in _PEER_LABELS)
    peer = next(filter(None, peers), "")
    return (peer, service) if peer and peer != service else (service, "")
