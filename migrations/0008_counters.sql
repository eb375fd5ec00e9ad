-- Counters that only ever grow, for /metrics. What they count lies elsewhere too; losing them resets a graph.

-- A fixed set of names, see domain/metrics.
CREATE TABLE counters (
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) STRICT;

-- The last hour whose ledgers were added to the counters; NULL: none yet.
CREATE TABLE ledger_fold (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  through_hour TEXT
) STRICT;

INSERT INTO ledger_fold (id, through_hour) VALUES (1, NULL);

-- 1: the bucket's manifest was added to the counters.
ALTER TABLE buckets ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
