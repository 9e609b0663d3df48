"""A responder who is signed in, as the tests of the pages need one."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.incidents.pages_world import make_person


@pytest.fixture
def dana() -> User:
    return make_person("dana", "responder")


@pytest.fixture
def page(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client
