-- What operators have frozen: nothing of it is deleted, payloads, objects and expired parts alike.
CREATE TABLE freezes (
  type TEXT PRIMARY KEY NOT NULL,         -- '': all streams
  since_ms INTEGER NOT NULL,
  author TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
