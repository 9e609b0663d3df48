"""What was committed reaches the page in order, once, whatever happens to the socket."""

import asyncio
import random

from django.db import OperationalError, transaction

from incidents import lifecycle
from tests.live.conftest import in_a_thread, open_incident, page

EVENTS, RECONNECTS, WRITERS = 300, 5, 8


def write(number, count):
    for _ in range(count):
        while not _is_written(number):
            pass


def _is_written(number):
    try:
        with transaction.atomic():
            lifecycle.record(lifecycle.locked(number), "note", "something happened")
    except OperationalError:  # SQLite let others go first for too long
        return False
    return True


def test_three_hundred_events_arrive_in_order_through_five_reconnects(run, browser, incident):
    number, chance = incident.number, random.Random(5)  # noqa: S311

    async def read():
        writers = [
            asyncio.create_task(in_a_thread(lambda: write(number, EVENTS // WRITERS)))
            for _ in range(WRITERS)
        ]
        last = 1 + EVENTS // WRITERS * WRITERS
        stops = [*sorted(chance.sample(range(2, last), RECONNECTS)), last]
        seen = []
        for stop in stops:
            async with page(browser) as socket:
                after = seen[-1] if seen else 0
                await socket.send_json({"subscribe": f"incident:{number}", "after": after})
                while len(seen) < stop:
                    seen.append((await socket.receive_json(timeout=20))["seq"])
        await asyncio.gather(*writers)
        return seen

    seen = run(read())

    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 1 + EVENTS // WRITERS * WRITERS


def test_an_entry_is_sent_as_the_api_shows_it(run, browser, incident):
    async def read():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}"})
            return await socket.receive_json(timeout=5)

    frame = run(read())

    assert frame["topic"] == f"incident:{incident.number}"
    assert (frame["seq"], frame["kind"]) == (1, "opened")
    assert frame["entry"]["text"] == "Opened"


def test_a_list_is_only_told_that_something_changed(run, browser):
    async def read():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": "incidents"})
            await socket.receive_nothing(timeout=0.3)  # until it listens
            opened = await in_a_thread(lambda: open_incident("service:2"))
            while (frame := await socket.receive_json())["number"] != opened.number:
                pass
            return opened.number, frame

    number, frame = run(read())

    assert frame == {"topic": "incidents", "kind": "opened", "number": number}


def test_a_page_that_knows_all_is_told_nothing_twice(run, browser, incident):
    async def read():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}", "after": 1})
            assert await socket.receive_nothing(timeout=0.5)
            await in_a_thread(lambda: write(incident.number, 1))
            return await socket.receive_json(timeout=5)

    assert run(read())["seq"] == 2


def test_after_unsubscribing_nothing_comes(run, browser, incident):
    other = open_incident("service:2")

    async def read():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}"})
            await socket.send_json({"unsubscribe": f"incident:{incident.number}"})
            await socket.send_json({"subscribe": f"incident:{other.number}"})
            assert [(await socket.receive_json())["seq"] for _ in range(2)] == [1, 1]
            await in_a_thread(lambda: write(incident.number, 1))
            return await socket.receive_nothing(timeout=1)

    assert run(read())
