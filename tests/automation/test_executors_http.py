import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from automation.executors.base import Endpoint
from automation.executors.http import OUTPUT_BYTES, Http
from telemetry.outbound import Guard

LOOPBACK = Guard.from_text("127.0.0.1/32")
ALL = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


class Answer(BaseHTTPRequestHandler):
    """Answers by path: /status/<n>, /large, /drop, /slow, /echo, /gzip, /short."""

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        self.server.seen.append(
            (
                self.command,
                self.path,
                {k.lower(): v for k, v in self.headers.items()},
                self.rfile.read(length),
            )
        )
        getattr(self, "on_" + self.path.split("/")[1])()

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("content_length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_status(self):
        self.reply(int(self.path.split("/")[2]), b"said\nso", location="/echo")

    def on_large(self):
        self.reply(200, b"x" * (OUTPUT_BYTES * 4))

    def on_drop(self):
        self.connection.shutdown(socket.SHUT_RDWR)

    def on_slow(self):
        self.server.released.wait(10)

    def on_echo(self):
        self.reply(200, self.headers.get("authorization", "none").encode())

    def on_gzip(self):
        self.reply(200, b"not gzip", content_encoding="gzip")

    def on_short(self):
        self.reply(200, b"short", content_length="500")
        self.close_connection = True


for method in ALL:
    setattr(Answer, f"do_{method}", Answer.answer)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.seen, server.released = [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def run(url, *, endpoint=None, seconds=5.0, guard=LOOPBACK, **request):
    said = []
    outcome = Http().run(
        {"method": "GET", "url": url, **request},
        endpoint=endpoint,
        on_output=said.append,
        deadline=time.monotonic() + seconds,
        guard=guard,
    )
    return outcome, said


def test_an_expected_status_succeeds_and_its_body_is_output(server):
    outcome, said = run(f"{server.url}/status/202", expected_status=[200, 202])

    assert outcome.status == "succeeded"
    assert said == [f"GET {server.url}/status/202", "202 Accepted", "said", "so"]


@pytest.mark.parametrize("status", [201, 301, 404, 500, 503])
def test_another_status_fails_and_no_redirect_is_followed(server, status):
    outcome, _ = run(f"{server.url}/status/{status}", method="POST")

    assert outcome.status == "failed"
    assert str(status) in outcome.summary
    assert len(server.seen) == 1


@pytest.mark.parametrize(("method", "status"), [("POST", "unknown"), ("PUT", "failed")])
def test_a_gateway_that_gave_up_leaves_a_post_unknown(server, method, status):
    outcome, _ = run(f"{server.url}/status/504", method=method)

    assert outcome.status == status


@pytest.mark.parametrize("path", ["drop", "slow"])
@pytest.mark.parametrize(
    ("method", "status"),
    [("POST", "unknown"), ("PATCH", "unknown"), ("GET", "failed"), ("DELETE", "failed")],
)
def test_a_lost_answer_is_unknown_unless_the_method_is_idempotent(server, path, method, status):
    outcome, _ = run(f"{server.url}/{path}", method=method, seconds=0.3)

    assert outcome.status == status
    assert len(server.seen) == 1


def test_a_refused_connection_is_a_failure_even_for_a_post():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome, _ = run(f"http://127.0.0.1:{unused.getsockname()[1]}/", method="POST")

    assert outcome.status == "failed"
    assert outcome.summary.startswith("Nothing was sent:")


def test_a_forbidden_target_is_a_failure_that_names_the_tier(server):
    outcome, _ = run(f"{server.url}/echo", guard=Guard())

    assert outcome.status == "failed"
    assert "a forbidden target" in outcome.summary
    assert server.seen == []


def test_no_time_left_sends_nothing(server):
    outcome, _ = run(f"{server.url}/echo", seconds=0)

    assert outcome.status == "failed"
    assert server.seen == []


def test_a_large_answer_is_cut(server):
    outcome, said = run(f"{server.url}/large")

    assert outcome.status == "succeeded"
    assert len(said[2]) == OUTPUT_BYTES
    assert said[-1] == "(cut after 64 kB)"


@pytest.mark.parametrize("path", ["gzip", "short"])
def test_a_body_that_can_not_be_read_does_not_change_the_outcome(server, path):
    outcome, said = run(f"{server.url}/{path}", method="POST")

    assert outcome.status == "succeeded"
    assert said[-1].startswith("(the rest of the answer was not read:")


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"a": [1]}, b'{"a":[1]}', "application/json"),
        ("a=${b}", b"a=${b}", "text/plain; charset=utf-8"),
        (None, b"", None),
    ],
)
def test_the_body_is_sent_as_approved(server, body, sent, content_type):
    run(f"{server.url}/echo", method="POST", body=body, headers={"X-From": "console"})

    _, _, headers, received = server.seen[0]
    assert received == sent
    assert headers.get("content-type") == content_type
    assert headers["x-from"] == "console"


@pytest.mark.parametrize(
    ("username", "sent"), [("", "Bearer canary-7"), ("me", "Basic bWU6Y2FuYXJ5LTc=")]
)
def test_the_connections_secret_is_sent_but_never_shown(server, username, sent):
    endpoint = Endpoint(server.url, username, "canary-7")

    outcome, said = run(f"{server.url}/echo", endpoint=endpoint)

    assert server.seen[0][2]["authorization"] == sent
    assert said[-1].endswith("••••")
    assert "canary-7" not in f"{said}{outcome}{endpoint}"


def test_the_connections_secret_goes_to_no_other_origin(server):
    endpoint = Endpoint("http://127.0.0.1:1/", "me", "canary-7", {"x-api-key": "canary-8"})

    run(f"{server.url}/echo", endpoint=endpoint)

    assert "canary" not in str(server.seen)


def test_a_request_of_another_shape_is_an_error(server):
    with pytest.raises(ValidationError):
        run(server.url, argv=["true"])


def test_what_the_listener_raises_stops_the_run(server):
    def stop(line):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Http().run(
            {"method": "GET", "url": server.url},
            endpoint=None,
            on_output=stop,
            deadline=time.monotonic() + 5,
            guard=LOOPBACK,
        )

    assert server.seen == []


@pytest.mark.parametrize(
    ("path", "status"), [("/status/200", "succeeded"), ("/status/401", "failed")]
)
def test_the_connection_test_asks_without_changing_anything(server, path, status):
    outcome = Http().check(Endpoint(server.url + path, "me", "pw"), guard=LOOPBACK)

    assert outcome.status == status
    assert [seen[0] for seen in server.seen] == ["GET"]


def test_the_connection_test_says_what_stops_it(server):
    outcome = Http().check(Endpoint(server.url), guard=Guard())

    assert outcome.status == "failed"
    assert outcome.summary.startswith("Not reached:")
