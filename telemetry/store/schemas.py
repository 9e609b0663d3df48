"""Tables of the logs and spans kept by the console itself. Each may be run again."""

SQLITE_LOGS = """
CREATE TABLE IF NOT EXISTS log (
  id INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,
  service TEXT NOT NULL,
  severity INTEGER NOT NULL,
  body TEXT NOT NULL,
  attributes TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_at ON log (at_ns);
CREATE INDEX IF NOT EXISTS log_service_at ON log (service, at_ns);
CREATE INDEX IF NOT EXISTS log_trace ON log (trace_id) WHERE trace_id <> '';
CREATE VIRTUAL TABLE IF NOT EXISTS log_words USING fts5 (
  body, content='log', content_rowid='id', tokenize='unicode61 remove_diacritics 0'
);
CREATE TRIGGER IF NOT EXISTS log_added AFTER INSERT ON log BEGIN
  INSERT INTO log_words (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER IF NOT EXISTS log_deleted AFTER DELETE ON log BEGIN
  INSERT INTO log_words (log_words, rowid, body) VALUES ('delete', old.id, old.body);
END;
"""

POSTGRES_LOGS = """
CREATE TABLE IF NOT EXISTS telemetry.log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ns bigint NOT NULL,
  service text NOT NULL,
  severity smallint NOT NULL,
  body text NOT NULL,
  attributes jsonb NOT NULL,
  trace_id text NOT NULL,
  span_id text NOT NULL
);
CREATE OR REPLACE FUNCTION telemetry.words(body text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('pg_catalog.simple', regexp_replace(body, '[^[:alnum:]]+', ' ', 'g'));
CREATE INDEX IF NOT EXISTS log_at ON telemetry.log (at_ns);
CREATE INDEX IF NOT EXISTS log_service_at ON telemetry.log (service, at_ns);
CREATE INDEX IF NOT EXISTS log_trace ON telemetry.log (trace_id) WHERE trace_id <> '';
CREATE INDEX IF NOT EXISTS log_words ON telemetry.log USING gin (telemetry.words(body));
"""

_SPAN_COLUMNS = """
  trace_id text NOT NULL,
  span_id text NOT NULL,
  parent_id text NOT NULL,
  service text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  start_ns bigint NOT NULL,
  duration_ns bigint NOT NULL,
  is_error smallint NOT NULL,
  status_message text NOT NULL,
  attributes {document} NOT NULL,
  resource {document} NOT NULL,
  links {document} NOT NULL,
  events {document} NOT NULL,
  PRIMARY KEY (trace_id, span_id)
"""

SQLITE_SPANS = f"""
CREATE TABLE IF NOT EXISTS span ({_SPAN_COLUMNS.format(document="text")});
CREATE INDEX IF NOT EXISTS span_start ON span (start_ns);
CREATE INDEX IF NOT EXISTS span_service_start ON span (service, start_ns);
"""

POSTGRES_SPANS = f"""
CREATE TABLE IF NOT EXISTS telemetry.span ({_SPAN_COLUMNS.format(document="jsonb")});
CREATE INDEX IF NOT EXISTS span_start ON telemetry.span (start_ns);
CREATE INDEX IF NOT EXISTS span_service_start ON telemetry.span (service, start_ns);
"""
