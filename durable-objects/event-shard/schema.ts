/** The shard's tables. Append-only: a step that has been deployed is never edited, nor what it is put together of. */
import type { Migration } from "../../platform/storage.ts";

/** Tables that no later step has changed. */
const tables = `
  CREATE TABLE shard (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    phase TEXT NOT NULL CHECK (phase IN ('guard', 'open', 'closed')),
    plan TEXT,
    window_ms INTEGER NOT NULL,
    enrolled_at_ms INTEGER,
    closed_at_ms INTEGER,
    duplicates INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- The buckets that this shard delivers to: its own hour's, and later ones that rows moved to.
  CREATE TABLE delivery (
    hour TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'dropped'))
  ) STRICT, WITHOUT ROWID;

  -- Rows that are sure to be delivered: home rows, and foreign rows whose claim was granted.
  CREATE TABLE batch (
    seq INTEGER PRIMARY KEY,
    hour TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('home', 'claimed')),
    bytes INTEGER NOT NULL,
    content TEXT NOT NULL,
    fingerprints BLOB NOT NULL,
    tags BLOB NOT NULL,
    payload BLOB
  ) STRICT;

  -- Rows that must be claimed at their home first. states: one byte a row, written once, when all are resolved.
  -- moved_from, moved_to: the deliveries that rows came from and that unresolved ones went to; moved: their tally.
  CREATE TABLE foreign_batch (
    seq INTEGER PRIMARY KEY,
    hour TEXT NOT NULL,
    moved_from TEXT,
    bytes INTEGER NOT NULL,
    content TEXT NOT NULL,
    tags BLOB NOT NULL,
    rows BLOB,
    states BLOB,
    denied TEXT,
    moved TEXT,
    moved_to TEXT,
    unguarded INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- Identities of this home that other holders own.
  CREATE TABLE claim (
    seq INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    fingerprints BLOB NOT NULL
  ) STRICT;

  -- What homes granted and denied this shard's rows, for the auditor. denied: packed fingerprints.
  CREATE TABLE answer (
    seq INTEGER PRIMARY KEY,
    home TEXT NOT NULL,
    granted TEXT NOT NULL,
    denied BLOB NOT NULL
  ) STRICT;

  CREATE TABLE stray (key TEXT PRIMARY KEY, hour TEXT NOT NULL) STRICT;
`;

const partColumns = `
    no INTEGER PRIMARY KEY,
    hour TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    encoder INTEGER NOT NULL,
    content TEXT NOT NULL,
    key_no INTEGER NOT NULL,
    key TEXT,
    bytes INTEGER,
    sha256 TEXT
`;

export const migrations: readonly Migration[] = [
  `${tables} CREATE TABLE part (${partColumns}) STRICT;`,
  // Whose fields have columns of their own; null: no field has.
  "ALTER TABLE part ADD COLUMN schema TEXT",
];

/** What the steps come to, for a shard that is new. */
export const whole: Migration = `${tables} CREATE TABLE part (${partColumns}, schema TEXT) STRICT;`;
