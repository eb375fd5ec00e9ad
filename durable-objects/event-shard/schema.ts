/** The shard's tables. Append-only: a step that has been deployed is never edited. */
import type { Migration } from "../../platform/storage.ts";

export const migrations: readonly Migration[] = [
  `
  CREATE TABLE shard (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    phase TEXT NOT NULL CHECK (phase IN ('open', 'closed', 'dropped')),
    plan TEXT,
    enrolled_at_ms INTEGER,
    closed_at_ms INTEGER,
    duplicates INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE batch (
    seq INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL,
    content TEXT NOT NULL,
    fingerprints BLOB NOT NULL,
    tags BLOB NOT NULL,
    payload BLOB
  ) STRICT;
  CREATE TABLE part (
    no INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    encoder INTEGER NOT NULL,
    content TEXT NOT NULL,
    key_no INTEGER NOT NULL,
    key TEXT,
    bytes INTEGER,
    sha256 TEXT
  ) STRICT;
  CREATE TABLE stray (key TEXT PRIMARY KEY) STRICT;
  `,
];
