-- Streams that operators have drained: they take no new events until that is undone.

-- {"sinceMs", "author", "note"}; NULL: it takes events.
ALTER TABLE streams ADD COLUMN drain TEXT;
