import secrets
from typing import Any

import pytest
from django.db import (
    DatabaseError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_healthz_answers_without_a_database(client: Client):
    response = client.get("/healthz")  # a query would fail here: the test has no database

    assert (response.status_code, response.content) == (200, b"ok")


def test_healthz_asks_nobody_who_a_session_belongs_to(client: Client, settings: Any):
    client.cookies[settings.SESSION_COOKIE_NAME] = secrets.token_hex(16)

    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_readyz_says_where_we_are(client: Client, settings: Any):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"ready": True, "url": settings.PUBLIC_URL}


@pytest.mark.django_db
def test_readyz_is_503_while_a_migration_is_pending(client: Client):
    MigrationRecorder.Migration.objects.filter(app="automation").latest("pk").delete()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"ready": False, "reason": "migrations are pending"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind",
    [
        DatabaseError,
        IntegrityError,
        InterfaceError,
        InternalError,
        NotSupportedError,
        OperationalError,
        ProgrammingError,
    ],
)
def test_readyz_is_503_whatever_is_wrong_with_the_database(
    client: Client, settings: Any, monkeypatch: Any, kind: type[Error]
):
    def refuse(self: BaseDatabaseWrapper, *args: Any, **options: Any) -> None:
        raise kind("connection to server at 10.0.0.5, user aiops, failed")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)
    client.cookies[settings.SESSION_COOKIE_NAME] = secrets.token_hex(16)

    response = client.get("/readyz")

    reason = f"the database cannot be asked: {kind.__name__}"
    assert response.status_code == 503
    assert response.json() == {"ready": False, "reason": reason}
    assert response.headers["retry-after"] == "5"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_can_be_posted_there(client: Client, path: str):
    assert client.post(path).status_code == 405
