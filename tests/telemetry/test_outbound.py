import socket
import ssl
import threading
import time

import httpx
import pytest

from telemetry.address_tiers import parse_openings
from telemetry.outbound import (
    AnswerRefused,
    Guard,
    GuardedTransport,
    OutboundRefused,
    check_url,
    follow,
    open_client,
)


class Canary:
    """A loopback server that counts connections and answers with the bytes it is given."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answers, self.requests = [], []
        self.connections = 0
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                if not self.answers:
                    return
                self.connections += 1
                self.talk(connection)

    def talk(self, connection):
        connection.settimeout(5)
        self.requests.append(connection.recv(65536))
        try:
            for chunk in self.answers.pop(0):
                if isinstance(chunk, float):
                    time.sleep(chunk)
                else:
                    connection.sendall(chunk)
        except OSError:
            return

    def stop(self):
        self.answers.clear()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join()
        self.listener.close()


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.stop()


def resolving(*answers):
    """A resolver that gives one list of addresses a look-up, in order, and the last for ever."""
    left = list(answers)

    def resolve(host, port):
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def reply(body=b"", *headers):
    head = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers]
    return [b"\r\n".join(head) + b"\r\n\r\n" + body]


def redirect(to):
    return [b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: " + to.encode() + b"\r\n\r\n"]


HOSTILE = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",  # noqa: S104 - a target
    "127.0.0.1.",
    "127\u30020\u30020\u30021",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "\u2460\u2461\u2466.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[ff02::1]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "169.254.169.254.",
    "0xa9fea9fe",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.192",
    "user@127.0.0.1",
    "user:pw@public.example",
    "@public.example",
    "public.example@127.0.0.1",
]


@pytest.mark.parametrize("host", HOSTILE)
def test_a_hostile_target_is_refused_without_a_connection(host, canary):
    canary.answers = [reply(b"reached")]
    guard = Guard(resolve=resolving(["127.0.0.1"]))

    with pytest.raises((OutboundRefused, httpx.InvalidURL)), open_client(guard) as client:
        client.get(f"http://{host}:{canary.port}/")

    assert canary.connections == 0


@pytest.mark.parametrize("name", ["localhost", "rebound.example", "bücher.example", "LOCALHOST."])
@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["fe80::1%eth0"], ["x"], []]
)
def test_a_name_with_any_forbidden_address_is_refused(name, addresses, canary):
    canary.answers = [reply(b"reached")]
    guard = Guard(resolve=resolving(addresses))

    with pytest.raises(OutboundRefused), open_client(guard) as client:
        client.get(f"http://{name}:{canary.port}/")

    assert canary.connections == 0


def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_connected_to(canary):
    canary.answers = [reply(b"reached")]
    lookups = []

    def rebinding(host, port):
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["127.0.0.2"]

    guard = Guard(parse_openings("127.0.0.1/32"), resolve=rebinding)
    with open_client(guard) as client:
        response = client.get(f"http://name.example:{canary.port}/a?b=c")

    assert response.text == "reached"
    assert lookups == ["name.example"]
    assert canary.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"Host: name.example:%d\r\n" % canary.port in canary.requests[0]


def test_a_name_that_turns_to_loopback_later_is_refused_later(canary):
    guard = Guard(resolve=resolving(["93.184.215.14"], ["127.0.0.1"]))
    canary.answers = [reply(b"reached")]

    target = guard.check_url(f"http://rebind.example:{canary.port}/")

    assert target.address == "93.184.215.14"
    with pytest.raises(OutboundRefused), open_client(guard) as client:
        client.get(f"http://rebind.example:{canary.port}/")
    assert canary.connections == 0


def test_the_next_address_is_tried_when_the_first_does_not_answer(canary):
    canary.answers = [reply(b"reached")]
    guard = Guard(parse_openings("127.0.0.0/8"), resolve=resolving(["127.9.9.9", "127.0.0.1"]))

    with open_client(guard) as client:
        assert client.get(f"http://two.example:{canary.port}/").text == "reached"


def test_a_dead_name_is_a_connection_error():
    with pytest.raises(httpx.ConnectError, match="could not be resolved"):
        check_url("http://nothing.invalid/")


LOOPBACK = Guard.from_text("127.0.0.1/32")


def get(canary, guard=LOOPBACK, *, path="/", **settings):
    with open_client(guard, **settings) as client:
        return follow(client, client.build_request("GET", f"http://127.0.0.1:{canary.port}{path}"))


@pytest.mark.parametrize(
    "to",
    ["file:///etc/passwd", "gopher://127.0.0.1/", "http://127.0.0.2/", "http://[::1]/", "//0/"],
)
def test_a_redirect_is_judged_like_the_first_address(canary, to):
    canary.answers = [redirect(to), reply(b"reached")]

    with pytest.raises(httpx.TransportError):
        get(canary)

    assert canary.connections == 1


def test_three_redirects_are_followed_and_a_fourth_is_not(canary):
    canary.answers = [redirect("/1"), redirect("/2"), redirect("/3"), reply(b"there")]
    assert get(canary).text == "there"

    canary.answers = [redirect("/1"), redirect("/2"), redirect("/3"), redirect("/4"), reply()]
    with pytest.raises(httpx.TooManyRedirects):
        get(canary)


def test_no_credential_goes_to_another_origin_and_they_stay_on_the_same(canary):
    there = f"http://other.example:{canary.port}/b"
    guard = Guard(parse_openings("127.0.0.1/32"), resolve=resolving(["127.0.0.1"]))
    canary.answers = [redirect("/a"), redirect(there), reply(b"end")]

    response = get(canary, guard, headers={"x-api-key": "canary-1"}, auth=("me", "canary-2"))

    assert response.text == "end"
    assert b"canary-1" in canary.requests[1]
    assert b"uthorization: Basic" in canary.requests[1]
    assert b"canary-1" not in canary.requests[2]
    assert b"uthorization" not in canary.requests[2]


def test_a_body_goes_to_no_other_origin(canary):
    there = f"http://other.example:{canary.port}/b"
    guard = Guard(parse_openings("127.0.0.1/32"), resolve=resolving(["127.0.0.1"]))
    canary.answers = [[redirect(there)[0].replace(b"302", b"307")], reply(b"end")]

    with open_client(guard) as client:
        post = client.build_request("POST", f"http://127.0.0.1:{canary.port}/", content=b"canary")
        with pytest.raises(OutboundRefused, match="does not get the body"):
            follow(client, post)

    assert canary.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", *[b"a", 0.1] * 20],
        [*[b"H", 0.1] * 20],
        [b"HTTP/1.1 200 OK\r\n", *[b"a: b\r\n", 0.1] * 20],
        [0.6],
    ],
)
def test_a_slow_answer_ends_when_its_time_is_up(canary, answer):
    canary.answers = [answer]
    began = time.monotonic()

    with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)):
        get(canary, seconds=0.3)

    assert time.monotonic() - began < 1.5


def test_an_answer_over_the_cap_is_refused(canary):
    canary.answers = [reply(b"x" * 2000)]

    with pytest.raises(AnswerRefused, match="larger than 1000 bytes"):
        get(canary, max_bytes=1000)


def test_a_compressed_answer_is_refused_and_plain_was_asked_for(canary):
    canary.answers = [reply(b"\x1f\x8b", b"content-encoding: gzip")]

    with pytest.raises(AnswerRefused, match="compressed"):
        get(canary)

    assert b"ccept-encoding: identity" in canary.requests[0].lower().replace(b"Accept", b"accept")


def test_proxies_of_the_environment_are_ignored(canary, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    canary.answers = [reply(b"direct")]

    assert get(canary).text == "direct"


def test_tls_asks_for_the_name_and_not_for_the_address():
    asked = []
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.sni_callback = lambda *call: asked.append(call[1])
    guard = Guard(parse_openings("127.0.0.1/32"), resolve=resolving(["127.0.0.1"]))
    transport = GuardedTransport(guard)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=shake_hands, args=(listener, server_context))
        thread.start()
        url = f"https://shop.example:{listener.getsockname()[1]}/"
        with pytest.raises(httpx.ConnectError), httpx.Client(transport=transport) as client:
            client.get(url)
        thread.join()

    assert asked == ["shop.example"]


def shake_hands(listener, context):
    connection, _ = listener.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except ssl.SSLError:
        connection.close()
