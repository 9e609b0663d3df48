"""What a derived series is called on a page."""

SEEN_BY_CALLERS = ".seen_by_callers"

# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ and .../rpc/rpc-metrics/
_KNOWN = {
    "http.server.request.duration": "latency",
    "http.client.request.duration": "latency",
    "rpc.server.call.duration": "latency",
    "rpc.client.call.duration": "latency",
}
_STATISTICS = ("p50", "p95", "p99", "mean", "rate")


def series_title(name: str) -> str:
    """For example "p95 latency seen by callers". Plain text made of the sender's, not escaped."""
    base, _, statistic = name.rpartition(".")
    if not base or statistic not in _STATISTICS:
        base, statistic = name, ""
    seen = " seen by callers" if base.endswith(SEEN_BY_CALLERS) else ""
    subject = _subject(base.removesuffix(SEEN_BY_CALLERS), statistic)
    return f"{subject}{seen}"


def _subject(base: str, statistic: str) -> str:
    is_latency = base in _KNOWN
    words = _KNOWN.get(base) or base.replace(".", " ").replace("_", " ")
    if statistic == "rate":
        return "request rate" if is_latency else f"{words} rate"
    return f"{statistic} {words}".lstrip()
