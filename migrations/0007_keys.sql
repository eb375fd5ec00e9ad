-- Keys that belong to somebody, end by themselves, and may write so much.

ALTER TABLE keys ADD COLUMN owner TEXT NOT NULL DEFAULT '';   -- who may list and rotate it; '': administrators only
ALTER TABLE keys ADD COLUMN expires_at_ms INTEGER;            -- NULL: never
ALTER TABLE keys ADD COLUMN replaced_by TEXT;                 -- the key that it was rotated to
ALTER TABLE keys ADD COLUMN events_per_second_max INTEGER;    -- NULL: no bound of its own
