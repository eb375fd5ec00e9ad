-- Streams that were removed keep their row: their hours are sealed, audited, read and expired as ever.

-- When it was removed; NULL: it is there.
ALTER TABLE streams ADD COLUMN removed_at_ms INTEGER;

-- Of a removed stream: up to this hour some edge may not have heard of it. NULL: it was not removed.
ALTER TABLE streams ADD COLUMN last_hour TEXT;

-- Of a stream that was registered again after it had ended: the first hour it ever had. NULL: first_hour is.
ALTER TABLE streams ADD COLUMN earliest_hour TEXT;
