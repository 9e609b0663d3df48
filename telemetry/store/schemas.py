"""Tables of the logs and spans that the console keeps itself."""

SQLITE_LOGS = """
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,
  service TEXT NOT NULL,
  severity INTEGER NOT NULL,
  body TEXT NOT NULL,
  attributes TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL
);
CREATE INDEX log_at ON log (at_ns);
CREATE INDEX log_service_at ON log (service, at_ns);
CREATE INDEX log_trace ON log (trace_id) WHERE trace_id <> '';
CREATE VIRTUAL TABLE log_words USING fts5 (
  body, content='log', content_rowid='id', tokenize='unicode61 remove_diacritics 0'
);
CREATE TRIGGER log_added AFTER INSERT ON log BEGIN
  INSERT INTO log_words (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER log_deleted AFTER DELETE ON log BEGIN
  INSERT INTO log_words (log_words, rowid, body) VALUES ('delete', old.id, old.body);
END;
"""

POSTGRES_LOGS = """
CREATE TABLE log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ns bigint NOT NULL,
  service text NOT NULL,
  severity smallint NOT NULL,
  body text NOT NULL,
  attributes jsonb NOT NULL,
  trace_id text NOT NULL,
  span_id text NOT NULL
);
CREATE FUNCTION words(body text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('pg_catalog.simple', regexp_replace(body, '[^[:alnum:]]+', ' ', 'g'));
CREATE INDEX log_at ON log (at_ns);
CREATE INDEX log_service_at ON log (service, at_ns);
CREATE INDEX log_trace ON log (trace_id) WHERE trace_id <> '';
CREATE INDEX log_words ON log USING gin (words(body));
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
CREATE TABLE span ({_SPAN_COLUMNS.format(document="text")});
CREATE INDEX span_start ON span (start_ns);
CREATE INDEX span_service_start ON span (service, start_ns);
"""

POSTGRES_SPANS = f"""
CREATE TABLE span ({_SPAN_COLUMNS.format(document="jsonb")});
CREATE INDEX span_start ON span (start_ns);
CREATE INDEX span_service_start ON span (service, start_ns);
"""
