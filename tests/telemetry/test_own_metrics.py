import numpy as np
import pytest
from django.utils import timezone

from telemetry import own_metrics, tasks
from telemetry.store.frames import Batch

ALWAYS = (0, 2**61)
DAY_MS = 86_400_000


def keep(at_ms: list[int]) -> None:
    labels = [{"__name__": "up"}]
    count = len(at_ms)
    own_metrics.store().append(
        Batch(labels, np.zeros(count, np.int64), np.array(at_ms), np.ones(count))
    )


@pytest.fixture
def midnight_ms() -> int:
    return int(timezone.now().timestamp() * 1000) // DAY_MS * DAY_MS


def held() -> list[int]:
    return [at for frame in own_metrics.store().select([], *ALWAYS) for at in frame.at_ms.tolist()]


def test_the_store_is_opened_once_and_where_the_settings_say(settings, tmp_path):
    store = own_metrics.store()

    assert own_metrics.store() is store
    assert list(tmp_path.iterdir()) == []

    store.series([], *ALWAYS)

    assert (tmp_path / "telemetry.sqlite3").is_file()


def test_what_came_is_compacted_by_beat(midnight_ms):
    keep([midnight_ms])

    tasks.compact_metrics()

    assert own_metrics.store().compact(midnight_ms).samples == 0
    assert held() == [midnight_ms]


def test_old_samples_are_rolled_up_and_older_ones_forgotten_by_beat(settings, midnight_ms):
    settings.KEEP_METRICS_DAYS, settings.KEEP_ROLLUPS_DAYS = 2, 4
    minutes = [midnight_ms - 3 * DAY_MS + n * 60_000 for n in range(1, 11)]
    keep([midnight_ms - 6 * DAY_MS, *minutes, midnight_ms])
    own_metrics.compact(timezone.now())

    tasks.forget_old_metrics()

    assert held() == [minutes[4], minutes[9], midnight_ms]


def test_what_a_turn_leaves_is_taken_up_again(monkeypatch):
    rung = []
    monkeypatch.setattr("telemetry.store.sql_metrics.SECONDS_A_TURN", 0.0)
    for task in (tasks.compact_metrics, tasks.forget_old_metrics):
        monkeypatch.setattr(task, "delay_on_commit", lambda name=task.name: rung.append(name))
        task()

    assert rung == ["telemetry.tasks.compact_metrics", "telemetry.tasks.forget_old_metrics"]
