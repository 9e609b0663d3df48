"""What programs are told while the database does not answer."""

from typing import Any

import pytest
from django.db import Error, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.site import world


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/api/v1/incidents/"), ("post", "/api/v1/incidents/1/acknowledge/")],
)
def test_an_outage_is_a_503_to_try_again_and_says_nothing_of_the_server(
    monkeypatch: Any, kind: type[Error], method: str, path: str
) -> None:
    def refuse(self: BaseDatabaseWrapper, *args: Any, **options: Any) -> None:
        raise kind("connection to server at 10.0.0.5, user aiops, failed")

    program = world.program("responder")
    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)

    answer = getattr(program, method)(path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The database does not answer; try again."
