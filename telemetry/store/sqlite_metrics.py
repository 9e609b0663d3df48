"""Metrics in a SQLite file of their own."""

from pathlib import Path

from telemetry.store.sql_metrics import SqlMetrics
from telemetry.store.sqlite import Sqlite

FIRST = """
CREATE TABLE metric (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, taken INTEGER NOT NULL
);
CREATE TABLE series (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, labels TEXT NOT NULL
);
CREATE INDEX series_last ON series (last_ms);
CREATE TABLE label (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, value TEXT NOT NULL,
  UNIQUE (name, value)
);
CREATE TABLE posting (
  label_id INTEGER NOT NULL, series_id INTEGER NOT NULL, PRIMARY KEY (label_id, series_id)
) WITHOUT ROWID;
CREATE TABLE fresh (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, samples INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX fresh_end ON fresh (end_ms);
CREATE TABLE block (
  id INTEGER PRIMARY KEY AUTOINCREMENT, stage INTEGER NOT NULL, window_ms INTEGER NOT NULL,
  since INTEGER NOT NULL, made_ms INTEGER NOT NULL,
  first_series INTEGER NOT NULL, last_series INTEGER NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, samples INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX block_place ON block (window_ms, first_series, last_series, start_ms, end_ms);
CREATE INDEX block_end ON block (end_ms);
CREATE INDEX block_unsettled ON block (window_ms) WHERE stage < 3
"""


def open_sqlite(path: Path) -> SqlMetrics:
    return SqlMetrics(Sqlite(path, schema=[FIRST]))
