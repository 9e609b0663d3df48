import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from aiops_site.layer import LARGEST_MESSAGE, LocalChannelLayer

SENDER = """
import asyncio, json, sys
from aiops_site.layer import LocalChannelLayer
folder, group, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def send():
    layer = LocalChannelLayer(folder)
    for number in range(count):
        await layer.group_send(group, {"type": "news", "number": number})
asyncio.run(send())
"""
MEMBER = """
import asyncio, sys
from aiops_site.layer import LocalChannelLayer
async def receive():
    layer = LocalChannelLayer(sys.argv[1])
    channel = await layer.new_channel()
    await layer.group_add("incidents", channel)
    print("listening", flush=True)
    print((await layer.receive(channel))["number"], flush=True)
asyncio.run(receive())
"""


@pytest.fixture
async def layer(tmp_path):
    layer = LocalChannelLayer(str(tmp_path / "run"), capacity=1_000)
    yield layer
    await layer.close()


async def join(layer, group):
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


async def send_from_another_process(layer, group, count=1):
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, str(layer.folder), group, str(count)
    )
    assert await sender.wait() == 0


def start_member(layer):
    member = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", MEMBER, str(layer.folder)], stdout=subprocess.PIPE, text=True
    )
    assert member.stdout.readline() == "listening\n"
    return member


async def received(layer, channel):
    return await asyncio.wait_for(layer.receive(channel), 5)


async def test_a_message_from_another_process_reaches_every_member(layer):
    first, second = await join(layer, "incidents"), await join(layer, "incidents")

    await send_from_another_process(layer, "incidents")

    for channel in (first, second):
        assert await received(layer, channel) == {"type": "news", "number": 0}


async def test_a_burst_arrives_whole_and_in_order(layer):
    channel = await join(layer, "incident.42")

    await send_from_another_process(layer, "incident.42", count=300)

    numbers = [(await received(layer, channel))["number"] for _ in range(300)]
    assert numbers == list(range(300))


async def test_a_message_from_this_process_arrives_once(layer):
    channel = await join(layer, "incidents")

    await layer.group_send("incidents", {"type": "news", "number": 1})
    await layer.group_send("incidents", {"type": "news", "number": 2})

    assert [(await received(layer, channel))["number"] for _ in range(2)] == [1, 2]


async def test_two_processes_with_members_both_hear(layer):
    channel = await join(layer, "incidents")
    member = await asyncio.to_thread(start_member, layer)

    await layer.group_send("incidents", {"type": "news", "number": 7})

    heard, _ = await asyncio.to_thread(member.communicate, timeout=10)
    assert heard == "7\n"
    assert (await received(layer, channel))["number"] == 7


async def test_other_groups_hear_nothing(layer):
    channel = await join(layer, "incident.1")

    await layer.group_send("incident.2", {"type": "news"})
    await layer.group_send("incident.1", {"type": "news", "number": 1})

    assert (await received(layer, channel))["number"] == 1


async def test_the_socket_of_a_dead_process_is_tidied_up(layer):
    member = await asyncio.to_thread(start_member, layer)
    member.kill()
    await asyncio.to_thread(member.communicate)
    assert list(layer.folder.iterdir())

    await layer.group_send("incidents", {"type": "news"})

    assert not list(layer.folder.iterdir())


async def test_a_frozen_process_holds_a_sender_only_for_a_moment(layer):
    member = await asyncio.to_thread(start_member, layer)
    os.kill(member.pid, signal.SIGSTOP)
    try:
        for number in range(1_000):
            started_at = time.monotonic()
            await layer.group_send("incidents", {"type": "news", "number": number})
            if time.monotonic() - started_at > 0.1:
                break
        assert time.monotonic() - started_at < 1
    finally:
        os.kill(member.pid, signal.SIGCONT)
        member.kill()
        await asyncio.to_thread(member.communicate)


async def test_a_hint_that_is_too_large_is_refused(layer):
    with pytest.raises(ValueError, match="too many for a hint"):
        await layer.group_send("incidents", {"type": "x" * LARGEST_MESSAGE})


async def test_a_data_folder_may_be_deep(tmp_path):
    layer = LocalChannelLayer(str(tmp_path / ("d" * 100) / "run"))
    channel = await join(layer, "incidents")

    await layer.group_send("incidents", {"type": "news"})

    assert await received(layer, channel) == {"type": "news"}
    await layer.close()


def test_a_layer_serves_one_event_loop_after_another(tmp_path):
    layer = LocalChannelLayer(str(tmp_path))

    async def round_trip():
        channel = await join(layer, "incidents")
        await layer.group_send("incidents", {"type": "news"})
        return await received(layer, channel)

    assert asyncio.run(round_trip()) == asyncio.run(round_trip()) == {"type": "news"}
    asyncio.run(layer.close())
