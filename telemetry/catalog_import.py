"""A file that describes services becomes services and edges: our own format, or Backstage's.

Ours is one mapping:

    services:
      - name: checkout
        kind: service            # service, database, queue or external
        tier: 1
        owner: payments-team
        lifecycle: production
        description: Takes orders.
        depends_on: [payments, orders-db]
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telemetry import backstage
from telemetry.catalog import Catalog, CatalogRefused, CatalogService, assemble
from telemetry.safe_yaml import YamlRefused, read_documents

_Model = TypeVar("_Model", bound=BaseModel)


class _Described(CatalogService):
    depends_on: list[str] = Field(default=[], max_length=1_000)


class _Own(BaseModel):
    model_config = ConfigDict(extra="forbid")

    services: list[_Described]


def read_catalog(text: str) -> Catalog:
    """Raises CatalogRefused."""
    try:
        documents = read_documents(text)
    except YamlRefused as error:
        raise CatalogRefused(str(error)) from error
    if not documents:
        raise CatalogRefused("The file is empty.")
    if all(_is_backstage(document) for _, document in documents):
        return backstage.describe([_valid(backstage.Entity, *each) for each in documents])
    if len(documents) > 1:
        raise CatalogRefused("Several documents in a file are understood of Backstage only.")
    return _of_own(_valid(_Own, *documents[0]).services)


def _is_backstage(document: Any) -> bool:
    version = document.get("apiVersion") if isinstance(document, dict) else None
    return isinstance(version, str) and version.startswith(backstage.API)


def _of_own(described: list[_Described]) -> Catalog:
    edges = [(each.name, callee) for each in described for callee in each.depends_on]
    services = [
        CatalogService(**each.model_dump(exclude={"depends_on"}, exclude_unset=True))
        for each in described
    ]
    return assemble(services, edges, [])


def _valid(model: type[_Model], line: int, document: Any) -> _Model:
    try:
        return model.model_validate(_without_nothing(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        message = f"In the document at line {line}, {place}: {first['msg']}."
        raise CatalogRefused(message) from error


def _without_nothing(value: Any) -> Any:
    """A key without a value is as good as none."""
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    return [_without_nothing(each) for each in value] if isinstance(value, list) else value
