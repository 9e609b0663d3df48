"""Kubernetes: rollouts and rescalings, from Event objects as exporters post them and from
Deployment objects as a watch gives them."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from incidents.providers.base import (
    ChangeEvent,
    ParseResult,
    Provider,
    UnreadablePayload,
    collect,
    one_line,
    read_body,
)
from incidents.sender_time import read_sender_time
from telemetry.change_event import ChangeKind, ChangeStatus

_APP_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")
_VERSION_LABEL = "app.kubernetes.io/version"
_REVISION = "deployment.kubernetes.io/revision"
_SCALED_UP = re.compile(r"Scaled up replica set (\S{1,253}) (?:from \d+ )?to \d+")
_KINDS: dict[str, ChangeKind] = {
    "ScalingReplicaSet": "deploy",
    "DeploymentRollback": "deploy",
    "SuccessfulRescale": "scale",
}
_PROGRESS: dict[str, ChangeStatus] = {
    "NewReplicaSetAvailable": "succeeded",
    "ProgressDeadlineExceeded": "failed",
    "FailedCreate": "failed",
}
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


class _Meta(BaseModel):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    creationTimestamp: Any = None  # noqa: N815  # the sender's spelling

    @property
    def service(self) -> str:
        labels = self.labels or {}
        return next((labels[name] for name in _APP_LABELS if labels.get(name)), self.name)


class _Involved(_Meta):
    kind: str


class _Event(BaseModel):
    metadata: _Meta = Field(default_factory=_Meta)
    involvedObject: _Involved  # noqa: N815
    reason: str = ""
    message: str = ""
    firstTimestamp: Any = None  # noqa: N815
    lastTimestamp: Any = None  # noqa: N815
    eventTime: Any = None  # noqa: N815

    def change(self) -> ChangeEvent | None:
        """None for what changes nothing, such as a pod that is scheduled."""
        kind, about = _KINDS.get(self.reason), self.involvedObject
        rolled = _SCALED_UP.search(self.message)
        if kind is None or (self.reason == "ScalingReplicaSet" and rolled is None):
            return None
        what = rolled[1] if rolled else self.metadata.uid or self.message
        times = (self.firstTimestamp, self.eventTime, self.lastTimestamp)
        return ChangeEvent(
            title=one_line(f"{about.name}: {self.message}"),
            kind=kind,
            service=about.service,
            key=f"{about.namespace}/{about.kind}/{about.name}/{what}",
            version=what.removeprefix(f"{about.name}-") if rolled else "",
            environment=about.namespace,
            began_at=next(filter(None, map(read_sender_time, times)), None),
        )


class _Condition(BaseModel):
    type: str
    reason: str = ""
    lastUpdateTime: Any = None  # noqa: N815


class _Container(BaseModel):
    image: str = ""


class _PodSpec(BaseModel):
    containers: list[_Container] = Field(default_factory=list)


class _Template(BaseModel):
    spec: _PodSpec = Field(default_factory=_PodSpec)


class _Spec(BaseModel):
    template: _Template = Field(default_factory=_Template)


class _Status(BaseModel):
    conditions: list[_Condition] = Field(default_factory=list)


class _Workload(BaseModel):
    kind: str
    metadata: _Meta
    spec: _Spec = Field(default_factory=_Spec)
    status: _Status = Field(default_factory=_Status)

    def change(self) -> ChangeEvent:
        meta, condition = self.metadata, self._progress()
        status = _PROGRESS.get(condition.reason, "running")
        revision = (meta.annotations or {}).get(_REVISION, str(meta.generation))
        updated_at = read_sender_time(condition.lastUpdateTime)
        return ChangeEvent(
            title=f"Rollout {revision} of {meta.name}",
            kind="deploy",
            status=status,
            service=meta.service,
            key=f"{meta.namespace}/{self.kind}/{meta.name}/{revision}",
            version=self._version(),
            environment=meta.namespace,
            began_at=updated_at if status == "running" else None,
            ended_at=updated_at if status != "running" else None,
        )

    def _progress(self) -> _Condition:
        conditions = self.status.conditions
        unknown = _Condition(type="Progressing")
        return next((each for each in conditions if each.type == "Progressing"), unknown)

    def _version(self) -> str:
        containers = self.spec.template.spec.containers
        image = containers[0].image if containers else ""
        tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        return one_line((self.metadata.labels or {}).get(_VERSION_LABEL), tag)


class Kubernetes(Provider):
    """One change a rollout, whichever of its messages tell of it. A batch is a list or `items`."""

    slug: ClassVar[str] = "kubernetes"
    docs_url: ClassVar[str] = (
        "https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/"
    )

    def parse(self, payload: Any) -> ParseResult:
        return collect(payload if isinstance(payload, list) else _items(payload), _change)


def _items(payload: Any) -> list[Any]:
    items = payload.get("items") if isinstance(payload, Mapping) else None
    return items if isinstance(items, list) else [payload]


def _change(row: Any) -> ChangeEvent | None:
    """A watch puts the object beside the verb."""
    inner = row.get("object") if isinstance(row, Mapping) else None
    found = inner if isinstance(inner, Mapping) else row
    if isinstance(found, Mapping) and "involvedObject" in found:
        return read_body(_Event, found, product="Kubernetes").change()
    if isinstance(found, Mapping) and found.get("kind") in _WORKLOADS:
        return read_body(_Workload, found, product="Kubernetes").change()
    raise UnreadablePayload("This is neither a Kubernetes Event nor a Deployment.")
