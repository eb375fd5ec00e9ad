-- The catalog: what the flusher and the auditor have to do, and what became of every bucket.
-- It is an index over what lies in R2, not the proof: `verify` recounts without it.
-- Hours are text (`2026-11-23T10`) and sort in time order; times are milliseconds since the epoch.

CREATE TABLE streams (
  type TEXT PRIMARY KEY NOT NULL,
  settings TEXT NOT NULL,                 -- StreamSettings as JSON
  priority INTEGER NOT NULL,              -- 0 high, 1 normal, 2 low: the order in which work is taken up
  first_hour TEXT NOT NULL,               -- the stream's first bucket
  next_hour TEXT NOT NULL,                -- the first hour that has no row in buckets yet
  due_at_ms INTEGER NOT NULL,             -- when next_hour is due
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  version INTEGER NOT NULL                -- counts every put; 1: as created
) STRICT;

CREATE INDEX streams_due ON streams (due_at_ms);

CREATE TABLE keys (
  id TEXT PRIMARY KEY NOT NULL,
  hash TEXT NOT NULL,                     -- SHA-256 of the whole key text, hex; the key itself is nowhere
  scopes TEXT NOT NULL,                   -- JSON array
  note TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT;

-- One row per bucket that is or was due; hours from a stream's next_hour on have none.
CREATE TABLE buckets (
  type TEXT NOT NULL,
  hour TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('due', 'sealed')),
  due_at_ms INTEGER NOT NULL,

  -- How its seal went so far.
  attempts INTEGER NOT NULL DEFAULT 0,    -- failed seal attempts
  retry_at_ms INTEGER NOT NULL,           -- not taken up before
  last_step TEXT,
  last_error TEXT,

  -- Its seal, as the bucket reported it. Written once.
  rows INTEGER,
  bytes INTEGER,
  identity_sum TEXT,
  manifest_sha256 TEXT,
  sealed_at_ms INTEGER,

  -- What the auditor says of it.
  verdict TEXT,
  findings TEXT NOT NULL DEFAULT '[]',    -- Finding[] as JSON, the worst ones first, bounded
  finding_count INTEGER NOT NULL DEFAULT 0,
  verified_at_ms INTEGER,
  first_fault_at_ms INTEGER,              -- since when it is not balanced
  audit_retry_at_ms INTEGER,              -- NULL: nothing to audit (not sealed yet, or balanced)
  audit_attempts INTEGER NOT NULL DEFAULT 0,

  PRIMARY KEY (type, hour),
  CHECK ((state = 'sealed') = (manifest_sha256 IS NOT NULL))
) STRICT;

-- The work queues. Each holds only what is still to do, so that a minute's cron does not walk years of balanced hours.
CREATE INDEX buckets_due ON buckets (type, hour) WHERE state = 'due';
CREATE INDEX buckets_audit ON buckets (type, hour) WHERE audit_retry_at_ms IS NOT NULL;
-- What the audit report lists.
CREATE INDEX buckets_unsettled ON buckets (hour, type) WHERE verdict IS NOT 'balanced';
-- Listings over all streams.
CREATE INDEX buckets_by_hour ON buckets (hour, type);

-- Parts of a bucket under audit that were read already, so that a long audit goes on where it stopped.
CREATE TABLE part_checks (
  type TEXT NOT NULL,
  hour TEXT NOT NULL,
  key TEXT NOT NULL,
  outcome TEXT NOT NULL,                  -- JSON, the auditor's
  checked_at_ms INTEGER NOT NULL,
  PRIMARY KEY (type, hour, key)
) STRICT;

-- Counts every change of streams and keys: the version of the snapshot that edges read.
CREATE TABLE config (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;

INSERT INTO config (id, version) VALUES (1, 0);
