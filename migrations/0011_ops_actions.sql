-- What operators did by hand: the newest thousands. Written before an action, and with its outcome after it.
CREATE TABLE ops_actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  key_id TEXT NOT NULL,                   -- the key that it was asked with, `admin` for the secret
  author TEXT NOT NULL,                   -- who did it, as they say
  note TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  outcome TEXT                            -- JSON; NULL: not known, it was interrupted
) STRICT;
