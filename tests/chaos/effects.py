"""A world to act upon: a server on loopback that writes a line into a file for every effect.

It knows which process sent a request, so that a test can end or stop exactly that one.
"""

import contextlib
import json
import os
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LONGEST_HOLD_SECONDS = 60
SECONDS = 0.05


class Effects:
    """Requests to /<step> with {"incident": number}; the two say which step of which run it is.

    `moments` holds what is called once, with the sender's process id, for (incident, step, moment):
    moment is `arrived` (False keeps the effect from happening), `written` or `answered`.
    """

    def __init__(self, file):
        self.file = file
        self.file.touch()
        self.moments, self.senders, self.gates, self.arrivals = {}, {}, {}, []
        self.gate = threading.Event()
        self.gate.set()
        self._server = _Server(("127.0.0.1", 0), _requests_to(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.opened = f"127.0.0.1/32:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        for gate in (self.gate, *self.gates.values()):
            gate.set()
        self._server.shutdown()
        self._server.server_close()

    def of(self, incident):
        """How often each step of the incident's run took effect."""
        lines = (line.split() for line in self.file.read_text().splitlines())
        return Counter(step for number, step in lines if number == str(incident))

    def hold(self, incident, step):
        """The effect happens, and the answer waits for the event."""
        self.gates[incident, step] = threading.Event()
        return self.gates[incident, step]

    def hold_all(self):
        """From now on every effect happens, and every answer waits for the event."""
        self.gate = threading.Event()
        return self.gate

    def take(self, incident, step, sender):
        """Everything that happens before the answer."""
        self.senders[incident, step] = sender
        self.arrivals.append((incident, step))
        if self.reach("arrived", incident, step) is False:
            return
        time.sleep(SECONDS)
        with self.file.open("a") as out:
            out.write(f"{incident} {step}\n")
        self.reach("written", incident, step)
        for gate in (self.gate, self.gates.get((incident, step))):
            if gate is not None:
                gate.wait(LONGEST_HOLD_SECONDS)

    def reach(self, moment, incident, step):
        deed = self.moments.pop((incident, step, moment), None)
        return deed(self.senders[incident, step]) if deed else None


def process_at(port, server_port):
    """The process that holds the loopback connection between these ports."""
    inode = _inode_of(f"0100007F:{port:04X}", f"0100007F:{server_port:04X}")
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(descriptor) == f"socket:[{inode}]":
                return int(descriptor.parts[2])
    return None


def _inode_of(*ends):
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return next((row[9] for row in rows if row[1:3] == list(ends)), None)


def _requests_to(effects):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            step = self.path.strip("/")
            sender = process_at(self.client_address[1], self.server.server_port)
            effects.take(body["incident"], step, sender)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
            effects.reach("answered", body["incident"], step)

        do_PUT = do_POST  # noqa: N815 - the name http.server looks for

        def log_message(self, *arguments):
            """The file says what matters."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
