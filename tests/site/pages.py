"""People with one role each, and what the page tests build on."""

from datetime import UTC, datetime

from django.contrib.auth.models import Group, User
from django.test import Client

from aiops_site.roles import sync_roles
from incidents import connecting
from incidents.models import Integration, Message

PASSWORD = "correct-horse-77"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def person(name, *roles):
    sync_roles()
    user = User.objects.create_user(name)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def browser(name, *roles):
    client = Client()
    client.force_login(person(name, *roles))
    return client


def connected(provider="generic", name="shop"):
    return connecting.connect(provider, name=name, by=None)


def deliver(integration: Integration, body: bytes, **fields):
    fields = {"received_at": NOON, "content_type": "application/json", **fields}
    return Message.objects.create(integration=integration, body=body, **fields)


def texts(response):
    """The messages a POST left for the next page."""
    return [str(each) for each in response.wsgi_request._messages]
