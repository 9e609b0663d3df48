"""P-26: who may not listen is told so by the close code, and nobody can wear the server out."""

import time

import pytest
from django.test import Client

from aiops_site.live import FRAMES_A_SECOND, MAX_FRAME
from tests.live.conftest import closed_with, in_a_thread, page

SIGNED_OUT, NOT_ALLOWED, TOO_MUCH, MALFORMED = 4401, 4403, 4008, 4400


def closes_after(run, browser, *frames):
    async def talk():
        async with page(browser) as socket:
            for frame in frames:
                await socket.send_input({"type": "websocket.receive", **frame})
            return await closed_with(socket)

    return run(talk())


def subscribe(topic):
    return {"text": '{"subscribe":"%s"}' % topic}  # noqa: UP031


def test_a_signed_out_page_is_closed_with_its_own_code(run):
    assert closes_after(run, None) == SIGNED_OUT


@pytest.mark.parametrize(
    "topic",
    [
        "incident:999999",
        "incident:-1",
        "incident:99999999999999999999999",
        "incident:²",
        "incident:",
        "incident",
        "incidents:1",
        "nonsense",
        "series:nobody",
        "execution:7",
        "",
    ],
)
def test_a_topic_there_is_not_is_refused(run, browser, topic):
    assert closes_after(run, browser, subscribe(topic)) == NOT_ALLOWED


def test_a_person_without_a_role_hears_nothing(run, browser, person, incident):
    person.groups.clear()

    assert closes_after(run, browser, subscribe(f"incident:{incident.number}")) == NOT_ALLOWED
    assert closes_after(run, browser, subscribe("incidents")) == NOT_ALLOWED


def test_a_role_taken_away_ends_an_open_page(run, browser, person, incident):
    async def listen():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}"})
            await socket.receive_json(timeout=5)
            await in_a_thread(person.groups.clear)
            started_at = time.monotonic()
            return await closed_with(socket), time.monotonic() - started_at

    code, seconds = run(listen())

    assert code == NOT_ALLOWED
    assert seconds <= 6


def test_signing_out_elsewhere_ends_an_open_page(run, browser, incident):
    elsewhere = Client()
    elsewhere.cookies = browser.cookies

    async def listen():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}"})
            await socket.receive_json()
            await in_a_thread(elsewhere.session.flush)
            return await closed_with(socket)

    assert run(listen()) == SIGNED_OUT


@pytest.mark.parametrize(
    "origin", [None, (b"origin", b"null"), (b"origin", b"http://evil.example"), (b"origin", b"x")]
)
def test_another_sites_page_does_not_get_a_socket(run, browser, origin):
    async def knock():
        async with page(browser, origin=origin) as socket:
            return socket.refused_with

    assert run(knock()) is not None


def test_a_frame_that_is_too_large_ends_the_page(run, browser):
    frame = {"text": '{"subscribe":"' + "x" * MAX_FRAME + '"}'}

    assert closes_after(run, browser, frame) == TOO_MUCH


def test_a_binary_frame_ends_the_page(run, browser):
    assert closes_after(run, browser, {"bytes": b"\0"}) == TOO_MUCH


def test_a_flood_ends_the_page(run, browser):
    frames = [{"text": "{}"}] * (2 * FRAMES_A_SECOND + 2)

    assert closes_after(run, browser, *frames) == TOO_MUCH


@pytest.mark.parametrize("text", ["{", "[]", "5", "null", "[" * 2000, '{"subscribe"', "nan"])
def test_a_frame_that_is_no_object_ends_the_page(run, browser, text):
    assert closes_after(run, browser, {"text": text}) == MALFORMED


@pytest.mark.parametrize("after", ["-1", "1e3", '"x"', "null", "true", "9" * 30, "{}"])
def test_a_strange_position_counts_as_a_position_or_none(run, browser, incident, after):
    async def listen():
        async with page(browser) as socket:
            topic = f"incident:{incident.number}"
            await socket.send_text(f'{{"subscribe":"{topic}","after":{after}}}')
            await socket.send_json({"unsubscribe": topic})
            await socket.send_json({"subscribe": topic, "after": 0})
            return await socket.receive_json(timeout=5)

    assert run(listen())["seq"] == 1
