/** The bucket's tables. Append-only: a step that has been deployed is never edited, nor what it is put together of. */
import type { Migration } from "../../platform/storage.ts";

/** Tables that no later step has changed. */
const tables = `
  CREATE TABLE bucket (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    phase TEXT NOT NULL CHECK (phase IN ('planned', 'open', 'sealing', 'sealed')),
    plan TEXT,
    due_at_ms INTEGER NOT NULL,
    merge_planned INTEGER NOT NULL DEFAULT 0,
    parts_checked INTEGER NOT NULL DEFAULT 0,
    manifest_sha256 TEXT,
    manifest_created INTEGER NOT NULL DEFAULT 0,
    success_marked INTEGER NOT NULL DEFAULT 0,
    sealed_at_ms INTEGER,
    verdict TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed_step TEXT,
    error TEXT,
    failing_since_ms INTEGER
  ) STRICT;
  CREATE TABLE stray (key TEXT PRIMARY KEY) STRICT;
  CREATE TABLE manifest_chunk (no INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
`;

const enrolmentColumns = `
    hour TEXT NOT NULL,
    shard INTEGER NOT NULL,
    enrolled_at_ms INTEGER NOT NULL,
    receipt TEXT,
    payloads_dropped INTEGER NOT NULL DEFAULT 0
`;

const enrolmentKey = "PRIMARY KEY (hour, shard)";

const mergedColumns = `
    no INTEGER PRIMARY KEY,
    shards TEXT NOT NULL,
    key_no INTEGER NOT NULL,
    part TEXT
`;

const tailPage = `
  CREATE TABLE tail_page (
    no INTEGER PRIMARY KEY,
    hour TEXT NOT NULL,
    shard INTEGER NOT NULL,
    first_seq INTEGER,
    last_seq INTEGER,
    content TEXT NOT NULL
  ) STRICT;
`;

export const migrations: readonly Migration[] = [
  `
  ${tables}
  -- Shards that the bucket waits for: its own, and those of earlier hours whose rows moved here.
  CREATE TABLE enrolment (${enrolmentColumns}, ${enrolmentKey}) STRICT, WITHOUT ROWID;
  CREATE TABLE merged (${mergedColumns}) STRICT;
  `,
  // What was planned before there was a choice of formats has lines.
  "ALTER TABLE merged ADD COLUMN encoder INTEGER NOT NULL DEFAULT 1",
  // Whose fields have columns of their own; null: no field has.
  "ALTER TABLE merged ADD COLUMN schema TEXT",
  // An operator has given the shard up: when, who and why. Its receipt is not waited for, and not taken any more.
  "ALTER TABLE enrolment ADD COLUMN abandoned TEXT",
  // Merged parts are runs of pages, a page without batches all of its shard's tail. A part of pages says '"pages"' for its
  // shards: older code stops there, and waits. One that says shards was planned by older code, before this step or after it.
  `
  ${tailPage}
  ALTER TABLE merged ADD COLUMN first_page INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE merged ADD COLUMN last_page INTEGER NOT NULL DEFAULT 0;
  `,
];

/** What the steps come to, for a bucket that is new. */
export const whole: Migration = `
  ${tables}
  ${tailPage}
  CREATE TABLE enrolment (${enrolmentColumns}, abandoned TEXT, ${enrolmentKey}) STRICT, WITHOUT ROWID;
  CREATE TABLE merged (
    ${mergedColumns},
    encoder INTEGER NOT NULL DEFAULT 1,
    schema TEXT,
    first_page INTEGER NOT NULL DEFAULT 0,
    last_page INTEGER NOT NULL DEFAULT 0
  ) STRICT;
`;
