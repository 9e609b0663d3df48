"""Metrics in the schema `telemetry` of a PostgreSQL database."""

from telemetry.store.postgres import Postgres
from telemetry.store.sql_metrics import SqlMetrics

FIRST = """
CREATE TABLE metric (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,
  taken bigint NOT NULL
);
CREATE TABLE series (
  id bigint PRIMARY KEY, key bytea NOT NULL UNIQUE,
  first_ms bigint NOT NULL, last_ms bigint NOT NULL, labels text NOT NULL
);
CREATE INDEX series_last ON series (last_ms);
CREATE TABLE label (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, value text NOT NULL,
  UNIQUE (name, value)
);
CREATE TABLE posting (
  label_id bigint NOT NULL, series_id bigint NOT NULL, PRIMARY KEY (label_id, series_id)
);
CREATE TABLE fresh (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  start_ms bigint NOT NULL, end_ms bigint NOT NULL, samples bigint NOT NULL, body bytea NOT NULL
);
CREATE INDEX fresh_end ON fresh (end_ms);
CREATE TABLE block (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stage smallint NOT NULL,
  window_ms bigint NOT NULL, since bigint NOT NULL, made_ms bigint NOT NULL,
  first_series bigint NOT NULL, last_series bigint NOT NULL,
  start_ms bigint NOT NULL, end_ms bigint NOT NULL, samples bigint NOT NULL, body bytea NOT NULL
);
CREATE INDEX block_place ON block (window_ms, first_series, last_series, start_ms, end_ms);
CREATE INDEX block_end ON block (end_ms);
CREATE INDEX block_unsettled ON block (window_ms) WHERE stage < 3;
ALTER TABLE fresh ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE block ALTER COLUMN body SET STORAGE EXTERNAL;
"""  # the bodies are stored as they are: they are packed already, or for a minute only


def open_postgres(url: str) -> SqlMetrics:
    return SqlMetrics(Postgres(url, part="metrics", schema=[FIRST]))
