"""Where one is signed in, and signing out there."""

import pytest
from django.test import Client
from django.urls import reverse

from aiops_site.signed_in import browser_of
from tests.site.pages import PASSWORD, person, texts

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def sign_in():
    owner = person("mia", "viewer")
    owner.set_password(PASSWORD)
    owner.save()

    def sign_in(agent=FIREFOX):
        client = Client(headers={"User-Agent": agent})
        client.post(reverse("login"), {"username": "mia", "password": PASSWORD})
        return client

    return sign_in


def sessions(client):
    return client.get(reverse("profile")).context["sessions"]


def is_signed_in(client):
    return client.get(reverse("profile")).status_code == 200


def test_every_session_is_listed_this_one_first(sign_in):
    sign_in("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1")
    here = sign_in()

    first, second = sessions(here)

    assert (first.browser, first.is_here) == ("Firefox on Linux", True)
    assert (second.browser, second.is_here) == ("Safari on iOS", False)
    assert first.at < first.ends_at
    assert first.address == "127.0.0.1"


def test_no_page_shows_what_opens_a_session(sign_in):
    other, here = sign_in(), sign_in()

    page = here.get(reverse("profile")).content.decode()

    assert other.session.session_key not in page
    assert here.session.session_key not in page


def test_one_session_is_ended_and_the_others_stay(sign_in):
    lost, kept, here = sign_in("Chrome/140 Android"), sign_in(), sign_in()
    name = next(each.name for each in sessions(here) if each.browser == "Chrome on Android")

    answer = here.post(reverse("session-end"), {"session": name})

    assert texts(answer) == ["Signed out of 1 session."]
    assert [is_signed_in(client) for client in (lost, kept, here)] == [False, True, True]


def test_everywhere_else_is_everywhere_but_here(sign_in):
    others, here = [sign_in(), sign_in()], sign_in()

    answer = here.post(reverse("session-end"))

    assert texts(answer) == ["Signed out of 2 sessions."]
    assert not any(is_signed_in(client) for client in others)
    assert is_signed_in(here)


def test_nobody_ends_the_session_of_another(sign_in):
    theirs = sign_in()
    name = sessions(theirs)[0].name
    mine = Client()
    mine.force_login(person("noa", "viewer"))

    mine.post(reverse("session-end"), {"session": name})
    mine.post(reverse("session-end"))

    assert is_signed_in(theirs)


def test_a_session_that_is_over_already_is_said_to_be(sign_in):
    here = sign_in()

    answer = here.post(reverse("session-end"), {"session": "0" * 16})

    assert texts(answer) == ["There was no such session any more."]


def test_a_session_without_a_note_is_listed_all_the_same():
    client = Client()
    client.force_login(person("old", "viewer"))

    [session] = sessions(client)

    assert (session.at, session.browser) == (None, "Unknown browser")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_our_own_words(agent, name):
    assert browser_of(agent) == name
