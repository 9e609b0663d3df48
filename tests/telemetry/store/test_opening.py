"""Addresses, and databases that do not answer."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from telemetry.store import sqlite
from telemetry.store.database import Unavailable
from telemetry.store.opening import open_metrics
from tests.telemetry.store.metric_samples import ALWAYS, NOON_MS, batch, held, key, up


def test_a_database_that_is_not_there_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    for url in (f"sqlite:///{tmp_path}", "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(Unavailable, match="telemetry store does not answer"):
            open_metrics(url).series([], *ALWAYS)


@pytest.mark.parametrize("url", ["", "sqlite:", "sqlite:///", "mysql://me:secret@host/name"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="Use one of") as refusal:
        open_metrics(url)

    assert "secret" not in str(refusal.value)


def test_while_another_process_keeps_the_file_locked_nothing_is_half_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.05)
    file = tmp_path / "metrics.sqlite3"
    with closing(open_metrics(f"sqlite:///{file}")) as store:
        store.append(batch((up(), NOON_MS, 1.0)))
        store.close()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(Unavailable, match="locked"):
                store.append(batch((up(), NOON_MS + 1, 1.0), (up(job="new"), NOON_MS, 1.0)))

            assert held(store) == {key(up()): {NOON_MS: 1.0}}
        store.append(batch((up(), NOON_MS + 1, 1.0), (up(job="new"), NOON_MS, 1.0)))

        assert store.size().samples == 3


def test_connections_that_the_server_cut_off_are_opened_again(postgres_url):
    with closing(open_metrics(postgres_url)) as store, psycopg.connect(postgres_url) as other:
        before = store.label_names([], *ALWAYS)
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'aiops-telemetry' AND datname = current_database()"
        )

        assert store.label_names([], *ALWAYS) == before
