"""Which series are watched without being asked: latency, errors, traffic, saturation. Pure.

After the four golden signals (Site Reliability Engineering, chapter 6).
"""

SATURATION = ("memory.usage", "process.memory", "active_requests", "queue")
QUIET_SUFFIXES = (".p50", ".p99", ".mean")


def is_watched(name: str) -> bool:
    """Gets an expected band. One quantile of a histogram is enough."""
    return not name.endswith(QUIET_SUFFIXES)


def raises_alerts(name: str) -> bool:
    """An anomaly of it hurts somebody; a change of traffic alone need not."""
    is_latency = "duration" in name and name.endswith(".p95")
    is_errors = "error" in name and name.endswith(".rate")
    return is_latency or is_errors or name.startswith("process.memory")
