/**
 * Steps from an empty file to today's schema; see DatabaseFileOptions. Times are milliseconds since 1970 UTC.
 */
export const OUTBOX_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they happened
    id         TEXT NOT NULL,
    type       TEXT NOT NULL,
    stream     TEXT NOT NULL,
    recording  TEXT,
    document   TEXT NOT NULL                       -- JSON, as it is sent
  );
  CREATE INDEX events_by_recording ON events (recording, seq) WHERE recording IS NOT NULL;

  CREATE TABLE deliveries (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    event        INTEGER NOT NULL REFERENCES events (seq),
    hook         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    line         TEXT NOT NULL,                    -- within a hook, those of one line follow each other
    state        TEXT NOT NULL,
    is_head      INTEGER NOT NULL,                 -- 1: pending, and first in its line
    attempts     INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    since_ms     INTEGER NOT NULL,                 -- when it was stored or replayed
    next_ms      INTEGER NOT NULL,
    ended_ms     INTEGER,
    last_status  INTEGER,
    last_error   TEXT,
    last_ms      INTEGER
  );
  CREATE INDEX deliveries_due      ON deliveries (hook, next_ms) WHERE is_head = 1;
  CREATE INDEX deliveries_in_line  ON deliveries (hook, line, seq) WHERE state = 'pending';
  CREATE INDEX deliveries_by_state ON deliveries (kind, state, seq);
  CREATE INDEX deliveries_by_event ON deliveries (event);
  CREATE INDEX deliveries_ended    ON deliveries (state, ended_ms) WHERE ended_ms IS NOT NULL;

  -- What has been stored of each recording: compared with the catalog after a kill.
  CREATE TABLE told (
    recording  TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    at_ms      INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE told_parts (
    recording  TEXT NOT NULL REFERENCES told (recording) ON DELETE CASCADE,
    part       INTEGER NOT NULL,
    is_ready   INTEGER NOT NULL,
    PRIMARY KEY (recording, part)
  ) WITHOUT ROWID;

  -- Recordings about to be deleted: after a kill, those that are gone were.
  CREATE TABLE removals (
    recording  TEXT PRIMARY KEY,
    stream     TEXT NOT NULL,
    document   TEXT NOT NULL                       -- JSON of the recording
  ) WITHOUT ROWID;

  CREATE TABLE hooks (
    name  TEXT PRIMARY KEY
  ) WITHOUT ROWID;
  CREATE TABLE facts (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
]
