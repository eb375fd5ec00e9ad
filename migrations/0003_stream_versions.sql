-- Every change of streams: who made it, when, and what it did. The newest row of stream_versions is the version that a
-- change is based on; two changes on the same base meet at its primary key, and one of them is not made.

CREATE TABLE stream_versions (
  version INTEGER PRIMARY KEY NOT NULL,   -- 1, 2, 3, …
  author TEXT NOT NULL,                   -- who made it, as they say
  key_id TEXT NOT NULL,                   -- the key they made it with, `admin` for the secret
  note TEXT NOT NULL,
  changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE stream_changes (
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  change TEXT NOT NULL CHECK (change IN ('add', 'change', 'remove', 'restore')),
  before TEXT,                            -- StreamSettings as JSON; NULL: there was no such stream
  after TEXT,                             -- NULL: there is none any more
  PRIMARY KEY (version, type)
) STRICT;

CREATE INDEX stream_changes_by_type ON stream_changes (type, version);
