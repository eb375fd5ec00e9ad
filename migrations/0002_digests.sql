-- Which verdicts a digest lists. The chain in R2 is the truth; the catalog takes it in, digest by digest, in order.

-- The digest that lists the bucket's present verdict; NULL: none does yet.
ALTER TABLE buckets ADD COLUMN digest_sequence INTEGER;

-- Verdicts that wait for a digest.
CREATE INDEX buckets_undigested ON buckets (hour, type) WHERE verdict IS NOT NULL AND digest_sequence IS NULL;

-- The newest digest that was taken in. It may lag behind R2, never run ahead of it.
CREATE TABLE digest_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER NOT NULL,
  sha256 TEXT,                            -- of the digest's bytes as they were written or first read
  CHECK ((sequence = 0) = (sha256 IS NULL))
) STRICT;

INSERT INTO digest_head (id, sequence, sha256) VALUES (1, 0, NULL);
