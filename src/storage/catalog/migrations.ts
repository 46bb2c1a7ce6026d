/**
 * Steps from an empty file to today's schema; see DatabaseFileOptions. Times of day are ISO 8601 text in UTC, which
 * sorts as it reads.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE recordings (
    id             TEXT PRIMARY KEY,
    node           TEXT NOT NULL,
    stream         TEXT NOT NULL,
    state          TEXT NOT NULL,
    format         TEXT NOT NULL,
    rule           TEXT,
    requested_at   TEXT NOT NULL,
    started_at     TEXT,
    ended_at       TEXT,
    duration_ms    REAL NOT NULL,
    bytes          INTEGER NOT NULL,
    metadata       TEXT NOT NULL,             -- JSON object of strings
    held           INTEGER NOT NULL,          -- 0 or 1
    error_code     TEXT,
    error_message  TEXT
  ) WITHOUT ROWID;
  CREATE INDEX recordings_by_time   ON recordings (requested_at, id);
  CREATE INDEX recordings_by_stream ON recordings (stream, requested_at, id);
  CREATE INDEX recordings_by_state  ON recordings (state, requested_at, id);
  CREATE INDEX recordings_by_end    ON recordings (ended_at, id) WHERE state = 'ready' AND held = 0;

  CREATE TABLE parts (
    recording      TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    part           INTEGER NOT NULL,          -- from 1
    root           TEXT NOT NULL,
    path           TEXT NOT NULL,
    state          TEXT NOT NULL,
    started_at     TEXT NOT NULL,
    start_ms       REAL NOT NULL,
    duration_ms    REAL NOT NULL,
    bytes          INTEGER NOT NULL,
    sha256         TEXT,
    tracks         TEXT NOT NULL,             -- JSON array of PartTrackDocument
    PRIMARY KEY (recording, part)
  ) WITHOUT ROWID;
  CREATE INDEX parts_by_path ON parts (root, path);

  CREATE TABLE tracks (
    recording      TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    position       INTEGER NOT NULL,          -- in the ledger, from 0
    track          INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    codec          TEXT NOT NULL,
    received       INTEGER NOT NULL,
    written        INTEGER NOT NULL,
    lost           INTEGER NOT NULL,
    PRIMARY KEY (recording, position)
  ) WITHOUT ROWID;

  CREATE TABLE gaps (
    recording      TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    position       INTEGER NOT NULL,          -- in the ledger, from 0
    track          INTEGER NOT NULL,
    from_ms        REAL NOT NULL,
    to_ms          REAL NOT NULL,
    missing_ms     REAL NOT NULL,
    access_units   INTEGER NOT NULL,
    cause          TEXT NOT NULL,
    at             TEXT NOT NULL,
    PRIMARY KEY (recording, position)
  ) WITHOUT ROWID;

  CREATE TABLE rules (
    id             TEXT PRIMARY KEY,
    match          TEXT NOT NULL,
    request        TEXT NOT NULL,             -- JSON object
    enabled        INTEGER NOT NULL,          -- 0 or 1
    priority       INTEGER NOT NULL,
    origin         TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE rules ADD COLUMN record     TEXT NOT NULL DEFAULT 'always';
  ALTER TABLE rules ADD COLUMN additional INTEGER NOT NULL DEFAULT 0;   -- 0 or 1
  ALTER TABLE rules ADD COLUMN once       INTEGER NOT NULL DEFAULT 0;   -- 0 or 1
  ALTER TABLE rules ADD COLUMN metadata   TEXT NOT NULL DEFAULT '{}';   -- JSON object of strings
  `,
  `
  CREATE TABLE pulls (
    id             TEXT PRIMARY KEY,
    node           TEXT NOT NULL,
    path           TEXT NOT NULL,
    url            TEXT NOT NULL,             -- with credentials
    keep_alive     INTEGER NOT NULL,          -- 0 or 1
    verify_tls     INTEGER NOT NULL,          -- 0 or 1
    metadata       TEXT NOT NULL              -- JSON object of strings
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE parts ADD COLUMN renaming TEXT;                           -- JSON PartRename, of a file that has not its last name
  CREATE INDEX parts_by_renaming ON parts (recording) WHERE renaming IS NOT NULL;
  `,
  `
  ALTER TABLE gaps ADD COLUMN packets INTEGER NOT NULL DEFAULT 0;
  `,
  `
  ALTER TABLE parts ADD COLUMN file_gone INTEGER NOT NULL DEFAULT 0;    -- 1: was not there when it was to be hashed
  CREATE INDEX parts_undigested ON parts (recording, part) WHERE state = 'ready' AND sha256 IS NULL AND file_gone = 0;
  `,
  `
  ALTER TABLE pulls ADD COLUMN transport TEXT NOT NULL DEFAULT 'auto';
  ALTER TABLE pulls ADD COLUMN damaged   TEXT NOT NULL DEFAULT 'drop';
  `,
  `
  ALTER TABLE tracks ADD COLUMN transcoded TEXT;                        -- codec as written, where that is another
  `,
  `
  ALTER TABLE parts ADD COLUMN source_started_at TEXT;                  -- by the clock of whoever sent it
  `,
  `
  ALTER TABLE parts ADD COLUMN format TEXT;                             -- where it is not the recording's
  `,
  `
  ALTER TABLE recordings ADD COLUMN clock_drift_ppm REAL;               -- of the publisher's against ours, when it is known
  `,
]
