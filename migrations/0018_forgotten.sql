-- Verdicts that digests list of hours that the catalog does not know, as far as they were taken in: it was lost or set back.
ALTER TABLE digest_head ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
