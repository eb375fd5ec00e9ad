-- What was last told of a bucket that is not as it should be, and the messages that wait to be delivered.

CREATE TABLE alerts (
  type TEXT NOT NULL,
  hour TEXT NOT NULL,
  condition TEXT NOT NULL CHECK (condition IN ('overdue', 'missing', 'surplus', 'corrupt', 'unaudited', 'recovered')),
  told TEXT,                              -- the condition that was told last; NULL: nothing was
  changed_at_ms INTEGER NOT NULL,
  message_id TEXT,                        -- the message that tells of `condition`; NULL: none does yet
  PRIMARY KEY (type, hour)
) STRICT;

CREATE INDEX alerts_untold ON alerts (changed_at_ms, type, hour) WHERE message_id IS NULL;
CREATE INDEX alerts_by_message ON alerts (message_id);

-- Deleted when the receiver has taken it, or when it is given up.
CREATE TABLE alert_messages (
  id TEXT PRIMARY KEY NOT NULL,           -- the same in every attempt
  url TEXT NOT NULL,
  alerts TEXT NOT NULL,                   -- JSON, fixed when the message is made
  created_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  retry_at_ms INTEGER NOT NULL,
  last_error TEXT
) STRICT;

CREATE INDEX alert_messages_due ON alert_messages (retry_at_ms);
