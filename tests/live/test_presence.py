"""Whoever has an incident's page open is named on the others'; nobody else learns of it."""

import asyncio
import signal
import subprocess
import sys

import pytest
from channels.layers import channel_layers
from channels_redis.core import RedisChannelLayer
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from aiops_site import live
from aiops_site import presence as presence_module
from aiops_site.presence import presence
from tests.chaos.servers import private_redis
from tests.live.conftest import in_a_thread, page

ELSEWHERE = """
import asyncio, json, sys
from aiops_site.layer import LocalChannelLayer
from aiops_site.presence import Presence, Viewer
from channels_redis.core import RedisChannelLayer
address, group = sys.argv[1], sys.argv[2]
async def stay():
    is_redis = address.startswith("redis:")
    layer = RedisChannelLayer(hosts=[address]) if is_redis else LocalChannelLayer(address)
    presence = Presence()
    presence.enter(group, "channel", Viewer(999, "Lee"))
    while True:
        if message := presence.say(group):
            await layer.group_send(group, message)
        await asyncio.sleep(0.1)
asyncio.run(stay())
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody is left of another test, and what takes seconds takes tenths of them."""
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.2)
    monkeypatch.setattr(presence_module, "FORGET_SECONDS", 12.0)
    presence.__init__()


@pytest.fixture
def topic(incident):
    return f"incident:{incident.number}"


def browser_of(name, role="viewer"):
    person = User.objects.create_user(name, first_name=name.capitalize())
    person.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(person)
    return browser


async def shown(socket, timeout=10):
    """The names of the next frame that tells any."""
    async with asyncio.timeout(timeout):
        while (frame := await socket.receive_json(timeout))["kind"] != "viewers":
            pass
    return frame["people"]


async def told_nobody(socket):
    while not await socket.receive_nothing(timeout=1):
        assert (await socket.receive_json())["kind"] != "viewers"
    return True


def test_two_people_on_one_incident_see_each_others_names(run, browser, topic):
    lee = browser_of("lee")

    async def look():
        async with page(browser) as first, page(lee) as second:
            await first.send_json({"subscribe": topic})
            await first.receive_json()
            await second.send_json({"subscribe": topic})
            return await shown(second), await shown(first)

    assert run(look()) == (["ada"], ["Lee"])


def test_a_closed_page_is_no_longer_named(run, browser, topic):
    lee = browser_of("lee")

    async def look():
        async with page(browser) as first:
            await first.send_json({"subscribe": topic})
            async with page(lee) as second:
                await second.send_json({"subscribe": topic})
                assert await shown(first) == ["Lee"]
            return await shown(first)

    assert run(look()) == []


def test_a_page_that_failed_is_no_longer_named(run, browser, topic, monkeypatch):
    lee = browser_of("lee")

    async def fail(first):
        async with page(lee) as second:
            await second.send_json({"subscribe": topic})
            assert await shown(first) == ["Lee"]
            monkeypatch.setattr(live, "MAX_FRAME", "wrong")
            await second.send_json({})

    async def look():
        async with page(browser) as first:
            await first.send_json({"subscribe": topic})
            with pytest.raises(TypeError):
                await fail(first)
            return await shown(first)

    assert run(look()) == []


def test_nobody_is_told_of_himself_however_many_pages_he_has_open(run, browser, topic):
    async def look():
        async with page(browser) as first, page(browser) as second:
            await first.send_json({"subscribe": topic})
            await second.send_json({"subscribe": topic})
            return await told_nobody(first)

    assert run(look())


def test_who_looks_at_another_incident_or_a_list_is_not_named(run, browser, topic):
    lee = browser_of("lee")

    async def look():
        async with page(browser) as first, page(lee) as second:
            await first.send_json({"subscribe": topic})
            await second.send_json({"subscribe": "incidents"})
            return await told_nobody(first) and await told_nobody(second)

    assert run(look())


def test_who_may_no_longer_see_the_incident_is_told_no_names(
    run, browser, person, topic, monkeypatch
):
    monkeypatch.setattr(live, "RECHECK_SECONDS", 1.0)
    lee = browser_of("lee")

    async def look():
        async with page(browser) as first, page(lee) as second:
            await first.send_json({"subscribe": topic})
            await first.receive_json()
            await in_a_thread(person.groups.clear)
            await second.send_json({"subscribe": topic})
            return await shown(second), await first.receive_output(5)

    names, next_output = run(look())

    assert names == ["ada"]
    assert (next_output["type"], next_output["code"]) == ("websocket.close", live.NOT_ALLOWED)


@pytest.fixture
def embedded():
    return str(settings.CHANNEL_LAYERS["default"]["CONFIG"]["folder"])


@pytest.fixture
def redis(monkeypatch):
    with private_redis() as (_, address):
        layer = RedisChannelLayer(hosts=[address])
        monkeypatch.setitem(channel_layers.backends, "default", layer)
        yield address


@pytest.fixture(params=["embedded", "redis"])
def address(request):
    return request.getfixturevalue(request.param)


def test_a_viewer_of_another_process_is_named_and_forgotten_after_it_was_killed(
    run, browser, topic, address, monkeypatch
):
    group = topic.replace(":", ".")

    async def look():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": topic})
            await socket.receive_json()
            elsewhere = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", ELSEWHERE, address, group]
            )
            try:
                seen = await shown(socket)
            finally:
                elsewhere.send_signal(signal.SIGKILL)
                elsewhere.wait()
            monkeypatch.setattr(presence_module, "FORGET_SECONDS", 1.0)
            return seen, await shown(socket)

    assert run(look()) == (["Lee"], [])
