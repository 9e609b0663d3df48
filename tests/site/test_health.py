from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_healthz_answers_without_a_database(client: Client):
    response = client.get("/healthz")  # a query would fail here: the test has no database

    assert (response.status_code, response.content) == (200, b"ok")


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
def test_readyz_is_503_while_the_database_is_gone(client: Client, monkeypatch: Any):
    def refuse(self: BaseDatabaseWrapper, *args: Any, **options: Any) -> None:
        raise OperationalError("connection to server at 10.0.0.5, user aiops, failed")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"ready": False, "reason": "OperationalError"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_can_be_posted_there(client: Client, path: str):
    assert client.post(path).status_code == 405
