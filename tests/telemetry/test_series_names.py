import pytest

from telemetry.series_names import series_title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("http.server.request.duration.p95", "p95 latency"),
        (
            "http.client.request.duration.seen_by_callers.p95",
            "p95 latency seen by callers",
        ),
        (
            "http.client.request.duration.seen_by_callers.rate",
            "request rate seen by callers",
        ),
        ("orders.rate", "orders rate"),
        ("process.memory_usage", "process memory usage"),
        ("queue.wait.mean", "mean queue wait"),
        ("p95", "p95"),
        ("", ""),
    ],
)
def test_a_series_is_titled_by_what_it_means(name, title):
    assert series_title(name) == title
