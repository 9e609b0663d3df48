from collections import Counter
from typing import Any

import pytest

from telemetry import tally
from telemetry.tally import Tally


def test_rates_are_of_the_last_minute_and_refusals_of_all_time(monkeypatch: Any):
    clock = [1000.0]
    monkeypatch.setattr(tally.time, "monotonic", lambda: clock[0])
    counted = Tally()
    counted.note("logs", 60, Counter({"too old": 1}))
    clock[0] += 30
    counted.note("logs", 30, Counter({"too old": 2}))
    counted.note("logs", 30, Counter())

    during = counted.a_second()
    clock[0] += 45
    after = counted.a_second()

    assert during == {"logs": pytest.approx(2.0)}
    assert after == {"logs": pytest.approx(1.0)}
    assert counted.refused() == {"too old": 3}


def test_a_second_of_another_minute_is_not_added_to(monkeypatch: Any):
    clock = [1000.0]
    monkeypatch.setattr(tally.time, "monotonic", lambda: clock[0])
    counted = Tally()
    counted.note("logs", 600, Counter())
    clock[0] += tally.SECONDS

    counted.note("logs", 60, Counter())

    assert counted.a_second() == {"logs": pytest.approx(1.0)}
