"""When is the console ready, and how long did it take."""

import http.client
import os
import time
from pathlib import Path

SECONDS_TO_GET_READY = 60.0
SECONDS_BETWEEN_PROBES = 0.05
PROBE_SECONDS = 5.0


def is_reached(host: str, port: int) -> bool:
    """Wait until /readyz answers 200; False when it never did."""
    ends_at = time.monotonic() + SECONDS_TO_GET_READY
    while time.monotonic() < ends_at:
        if _probe(host, port):
            return True
        time.sleep(SECONDS_BETWEEN_PROBES)
    return False


def seconds_since_process_start(pid: int) -> float:
    """Counted by the kernel, so that our own imports are part of it."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    started_ticks = int(stat.rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")


def _probe(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
