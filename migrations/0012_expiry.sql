-- Hours whose retention is over. That they expire is recorded here and in a digest before anything of theirs is deleted.
-- Such a bucket keeps its row, its verdict and its manifest.

-- When it was recorded; NULL: its parts are kept.
ALTER TABLE buckets ADD COLUMN expired_at_ms INTEGER;

-- When its parts are to be deleted, or deleting them is tried again; NULL: they are kept, or gone.
ALTER TABLE buckets ADD COLUMN delete_at_ms INTEGER;

-- Hours that may expire.
CREATE INDEX buckets_kept ON buckets (type, hour) WHERE verdict = 'balanced' AND expired_at_ms IS NULL;

-- Hours whose parts are to be deleted.
CREATE INDEX buckets_undeleted ON buckets (delete_at_ms) WHERE delete_at_ms IS NOT NULL;

-- Streams whose hours expire at all.
CREATE INDEX streams_expiring ON streams (type) WHERE settings ->> '$.retentionMs' IS NOT NULL;
