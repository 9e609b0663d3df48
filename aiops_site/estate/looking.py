"""One look at a service, from outside."""

import json
import time
from http.client import HTTPConnection, HTTPException

from aiops_site.estate.conditions import Probe
from aiops_site.estate.layout import HEALTH_PATH, LOOPBACK

PROBE_TIMEOUT_SECONDS = 1.5


def look(port: int, *, timeout: float = PROBE_TIMEOUT_SECONDS) -> Probe:
    """Asks the service itself, none of its dependencies; never raises for what it finds."""
    started = time.monotonic()
    connection = HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", HEALTH_PATH)
        report = json.loads(connection.getresponse().read())
    except TimeoutError:
        return Probe(time.monotonic() - started, None, f"no answer within {timeout} s")
    except ConnectionRefusedError:
        return Probe(time.monotonic() - started, None, "connection refused", is_refused=True)
    except (OSError, HTTPException, json.JSONDecodeError) as error:
        return Probe(time.monotonic() - started, None, str(error) or type(error).__name__)
    finally:
        connection.close()
    return Probe(time.monotonic() - started, report)
