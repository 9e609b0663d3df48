"""What goes wrong on the way to a source, and what is made of it."""

import asyncio
import gzip
import json
import re
import socket
import time

import pytest

from telemetry.outbound_guard import Guard
from telemetry.sources import asker as asker_module
from telemetry.sources.base import SourceFailed, Stretch
from telemetry.sources.breaker import FAILURES, REST_SECONDS, Breaker, Reach
from tests.telemetry.sources.conftest import Opened
from tests.telemetry.sources.recorded import Recorded, Reply

RANGE = "/api/v1/query_range"
ANSWER = json.dumps(
    {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [{"metric": {"__name__": "up"}, "values": [[1000, "1"], [1015, "NaN"]]}],
        },
    }
).encode()
PAGE = {"content-type": "text/html"}


async def asked(opened: Opened, url: str, **how):
    source = opened("prometheus", url, **how)
    return await source.metrics("up", Stretch(1_000_000, 1_015_000), 15_000)


async def failure(opened: Opened, url: str, **how) -> SourceFailed:
    with pytest.raises(SourceFailed) as told:
        await asked(opened, url, **how)
    return told.value


async def test_credentials_and_tenant_go_with_the_question(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(ANSWER))

    await asked(
        opened,
        recorded.url,
        options={"username": "me", "tenant": "shöp"},
        secrets={"password": "p"},
    )

    headers = recorded.asked[0].headers
    assert headers["authorization"] == "Basic bWU6cA=="
    assert headers["x-scope-orgid"].encode("latin-1").decode() == "shöp"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"secret body", 401), r"does not accept the credentials \(401\)\.$"),
        (Reply(b"secret body", 403), r"may not ask this \(403\)\.$"),
        (Reply(b"secret body", 404), r"nothing at this path \(404\)"),
        (Reply(b"secret body", 418), r"It answered 418\.$"),
        (Reply(b'{"status":"error","error":"secret body"}', 500), r"It answered 500\.$"),
        (Reply(b"<html>secret body</html>", 200, PAGE), "a page instead of JSON"),
        (Reply(b"\x00\xff\xfe garbage", 200), "no JSON that can be read"),
        (Reply(b"", 200), "no JSON that can be read"),
        (Reply(b'{"status": "success", "data": 7}', 200), r"documented shape \(at data\)"),
        (Reply(b'{"status": "success"}', 200), "documented shape"),
        (Reply(b"[]", 200), "documented shape"),
        (Reply(ANSWER[:60], 200), "no JSON that can be read"),
        (Reply(ANSWER, 200, {"content-encoding": "gzip"}), "says that it is gzip, and is not"),
        (Reply(ANSWER, 200, {"content-encoding": "br"}), "a way that was not asked for"),
    ],
)
async def test_a_wrong_answer_is_named_and_not_repeated(
    opened: Opened, recorded: Recorded, reply: Reply, words: str
):
    recorded.give(RANGE, reply)

    failed = await failure(opened, recorded.url)

    assert re.search(words, str(failed))
    assert "secret" not in str(failed)


async def test_a_refused_question_says_what_the_product_says(opened: Opened, recorded: Recorded):
    refusal = {"status": "error", "errorType": "bad_data", "error": "parse error:\n\0 unexpected"}
    recorded.give(RANGE, Reply(json.dumps(refusal).encode(), 400))

    failed = await failure(opened, recorded.url)

    assert str(failed) == "It answered 400. It says: parse error: unexpected"
    assert failed.is_about_question


async def test_half_an_answer_is_tried_again(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(ANSWER[:60], declared=len(ANSWER)), Reply(ANSWER))

    (frame,) = await asked(opened, recorded.url)

    assert frame.at_ms.tolist() == [1_000_000, 1_015_000]
    assert len(recorded.asked) == 2


async def test_what_is_passing_is_tried_twice_more_and_then_told(
    opened: Opened, recorded: Recorded
):
    recorded.give(RANGE, Reply(status=503))

    failed = await failure(opened, recorded.url)

    assert len(recorded.asked) == 3
    assert failed.is_passing
    assert failed.status == 503


async def test_a_source_that_asks_for_a_pause_gets_it(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(status=429, headers={"retry-after": "1"}), Reply(ANSWER))
    began = time.monotonic()

    await asked(opened, recorded.url)

    assert time.monotonic() - began >= 1.0


async def test_a_pause_longer_than_the_time_there_is_is_not_waited_for(
    opened: Opened, recorded: Recorded
):
    recorded.give(RANGE, Reply(status=429, headers={"retry-after": "60"}))
    began = time.monotonic()

    failed = await failure(opened, recorded.url)

    assert "asked less often" in str(failed)
    assert time.monotonic() - began < 2
    assert len(recorded.asked) == 1


async def test_a_slow_answer_ends_with_the_time_there_is(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(ANSWER, pauses=3))
    began = time.monotonic()

    failed = await failure(opened, recorded.url, seconds=0.5)

    assert "did not answer in the time" in str(failed)
    assert failed.is_passing
    assert time.monotonic() - began < 2


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    opened: Opened, recorded: Recorded
):
    recorded.give(RANGE, Reply(b" " * 11_000_000))

    failed = await failure(opened, recorded.url)

    assert "larger than 10000000 bytes" in str(failed)
    assert "Ask for less" in str(failed)


async def test_a_small_answer_that_unfolds_to_a_large_one_is_refused(
    opened: Opened, recorded: Recorded
):
    bomb = gzip.compress(b" " * 50_000_000)
    recorded.give(RANGE, Reply(bomb, headers={"content-encoding": "gzip"}))

    failed = await failure(opened, recorded.url)

    assert len(bomb) < 100_000
    assert "larger than 10000000 bytes" in str(failed)


async def test_a_compressed_answer_is_read(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(gzip.compress(ANSWER), headers={"content-encoding": "gzip"}))

    assert await asked(opened, recorded.url)
    assert recorded.asked[0].headers["accept-encoding"] == "gzip"


async def test_a_redirect_to_a_closed_address_is_not_followed(opened: Opened, recorded: Recorded):
    target = "http://169.254.169.254/latest/meta-data/"
    recorded.give(RANGE, Reply(status=302, headers={"location": target}))

    failed = await failure(opened, recorded.url)

    assert "169.254.169.254:80 is refused: a forbidden target" in str(failed)
    assert not failed.is_passing


async def test_a_redirect_takes_no_credentials_to_another_server(
    opened: Opened, recorded: Recorded
):
    there = f"http://127.0.0.2:{recorded.url.rpartition(':')[2]}/there"
    with socket.create_server(("127.0.0.2", int(recorded.url.rpartition(":")[2]))) as other:
        other.settimeout(5)
        recorded.give(RANGE, Reply(status=307, headers={"location": there}))
        asking = asyncio.create_task(
            failure(
                opened,
                recorded.url,
                options={"tenant": "canary-1"},
                secrets={"password": "canary-2"},
                seconds=1.0,
                allow="127.0.0.0/8",
            )
        )
        connection, _ = await asyncio.to_thread(other.accept)
        with connection:
            sent = await asyncio.to_thread(connection.recv, 65536)
        await asking

    assert b"GET /there" in sent
    assert b"canary" not in sent


async def test_a_redirect_on_the_same_server_keeps_them(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(status=307, headers={"location": "/prefix/"}))
    recorded.give("/prefix/", Reply(ANSWER))

    await asked(opened, recorded.url, secrets={"password": "kept"})

    assert recorded.asked[1].headers["authorization"] == "Bearer kept"


async def test_an_endless_redirect_ends(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(status=307, headers={"location": RANGE}))

    assert "More than 3 redirects" in str(await failure(opened, recorded.url))


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp"])
async def test_a_redirect_to_another_scheme_ends(opened: Opened, recorded: Recorded, scheme: str):
    recorded.give(RANGE, Reply(status=302, headers={"location": f"{scheme}:///etc/passwd"}))

    failed = await failure(opened, recorded.url)

    assert "Only http and https" in str(failed) or "cannot be asked" in str(failed)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/",
        "http://localhost:1",
    ],
)
async def test_a_closed_address_is_refused_without_a_connection(opened: Opened, url: str):
    failed = await failure(opened, url, allow="")

    assert "is refused" in str(failed)
    assert not failed.is_passing


async def test_a_name_that_changes_its_mind_reaches_nothing(opened: Opened, recorded: Recorded):
    """Judged once and connected to what was judged: 192.0.2.1 leads nowhere."""
    port = recorded.url.rpartition(":")[2]
    answers = [["192.0.2.1"], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]]
    guard = Guard(resolve=lambda *_: answers.pop(0) if len(answers) > 1 else answers[0])
    source = opened("prometheus", f"http://rebound.example:{port}", seconds=0.5)
    object.__setattr__(source.asker, "guard", guard)

    with pytest.raises(SourceFailed):
        await source.check()

    assert recorded.asked == []


async def test_nothing_listening_is_told_as_passing(opened: Opened):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    failed = await failure(opened, url)

    assert str(failed).startswith("It cannot be reached: 127.0.0.1 takes no connection at ")
    assert failed.is_passing


async def test_a_source_that_keeps_failing_is_spared(
    opened: Opened, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(asker_module, "RETRIES", 0)
    recorded.give(RANGE, Reply(status=503))
    reach = Reach()
    for _ in range(FAILURES):
        await failure(opened, recorded.url, reach=reach)
    before = len(recorded.asked)

    failed = await failure(opened, recorded.url, reach=reach)

    assert "failed several times and is asked again in 30 s" in str(failed)
    assert len(recorded.asked) == before


async def test_refused_questions_spare_nobody(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(status=400))
    reach = Reach()

    for _ in range(FAILURES + 1):
        assert (await failure(opened, recorded.url, reach=reach)).status == 400


def test_after_a_rest_one_question_finds_out_for_all():
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.seconds_left() == 0
        breaker.note_failure()

    assert breaker.seconds_left() == REST_SECONDS
    now[0] = REST_SECONDS
    assert breaker.seconds_left() == 0
    assert breaker.seconds_left() == REST_SECONDS
    breaker.note_success()
    assert breaker.seconds_left() == 0


async def test_a_source_answers_four_questions_at_a_time(opened: Opened, recorded: Recorded):
    recorded.give(RANGE, Reply(ANSWER, pauses=0.4))
    reach = Reach()
    began = time.monotonic()

    await asyncio.gather(*[asked(opened, recorded.url, reach=reach) for _ in range(8)])

    assert 0.8 <= time.monotonic() - began < 2.5
