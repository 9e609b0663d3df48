import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.urls import reverse

from automation.models import Connection
from telemetry.credentials import decrypt
from tests.automation.pages_world import a_person

ADD = "admin:automation_connection_add"
CHANGE = "admin:automation_connection_change"
SECRET = "s3cret-canary"
FIELDS = {"executor": "http", "name": "hook", "url": "http://127.0.0.1:9/", "username": "console"}


@pytest.fixture
def admin(db):
    person, browser = a_person("dana", "admin")
    person.is_superuser = True
    person.save()
    return browser


@pytest.fixture
def connection(admin):
    admin.post(reverse(ADD), FIELDS | {"new_secret": SECRET})
    return Connection.objects.get()


def change(browser, connection, **fields):
    return browser.post(reverse(CHANGE, args=[connection.pk]), FIELDS | fields)


def test_a_secret_is_kept_encrypted_and_never_shown(admin, connection):
    html = admin.get(reverse(CHANGE, args=[connection.pk])).content.decode()

    assert SECRET not in connection.secret
    assert decrypt(connection.secret) == SECRET
    assert SECRET not in html
    assert connection.secret not in html
    assert "Set, version 1." in html


def test_saving_without_a_secret_keeps_the_one_there_is(admin, connection):
    change(admin, connection, url="http://127.0.0.1:10/")

    connection.refresh_from_db()
    assert decrypt(connection.secret) == SECRET
    assert (connection.secret_version, connection.url) == (1, "http://127.0.0.1:10/")


@pytest.mark.parametrize(
    ("fields", "secret"), [({"new_secret": "other"}, "other"), ({"remove_secret": "on"}, None)]
)
def test_replacing_and_removing_a_secret_raises_its_version(admin, connection, fields, secret):
    change(admin, connection, **fields)

    connection.refresh_from_db()
    assert (decrypt(connection.secret) if connection.secret else None) == secret
    assert connection.secret_version == 2


def test_another_user_name_is_another_version_of_the_credentials(admin, connection):
    change(admin, connection, username="other")

    connection.refresh_from_db()
    assert connection.secret_version == 2


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://", "http://user:pass@host/", "http://[", "javascript:alert(1)"]
)
def test_an_address_is_plain_http_without_credentials(admin, url):
    response = admin.post(reverse(ADD), FIELDS | {"url": url})

    assert response.status_code == 200
    assert not Connection.objects.exists()


def test_there_is_one_default_of_an_executor(admin, connection):
    change(admin, connection, is_default="on")

    response = admin.post(reverse(ADD), FIELDS | {"name": "second", "is_default": "on"})

    assert "hook is the default of http; untick it there first." in response.content.decode()


class Answering(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def try_it(browser, connection):
    url = reverse("admin:automation_connection_test", args=[connection.pk])
    return browser.post(url, follow=True).content.decode()


def test_a_connection_is_tried_only_where_the_guard_lets_it(admin, connection, server, settings):
    change(admin, connection, url=server)

    settings.OUTBOUND_ALLOW = ""
    closed = try_it(admin, connection)
    settings.OUTBOUND_ALLOW = "127.0.0.1/32"
    opened = try_it(admin, connection)

    assert "Reached; it answered 200." in opened
    assert "Reached; it answered" not in closed
    assert SECRET not in closed + opened


def test_a_secret_of_another_installation_is_said_to_be_unreadable(admin, connection):
    Connection.objects.update(secret="gAAAAA-not-ours")

    assert "cannot be read with this installation" in try_it(admin, connection)


def test_editors_of_runbooks_may_not_change_connections(connection):
    _, browser = a_person("edie", "editor")

    shown = browser.get(reverse(CHANGE, args=[connection.pk]))

    assert SECRET not in shown.content.decode()
    assert change(browser, connection).status_code == 403


def test_the_admins_list_of_policies_leads_to_their_pages(admin):
    assert admin.get(reverse("admin:automation_healingpolicy_changelist")).status_code == 200
