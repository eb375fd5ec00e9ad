-- Quotas: events an hour and a day, over all edges. A stream's are among its settings; NULL: as many as come.
ALTER TABLE keys ADD COLUMN events_per_hour_max INTEGER;
ALTER TABLE keys ADD COLUMN events_per_day_max INTEGER;

CREATE INDEX streams_quota ON streams (type)
  WHERE settings ->> '$.eventsPerHourMax' IS NOT NULL OR settings ->> '$.eventsPerDayMax' IS NOT NULL;

CREATE INDEX keys_quota ON keys (id)
  WHERE events_per_hour_max IS NOT NULL OR events_per_day_max IS NOT NULL;

-- What was accepted of a stream or by a key that has a quota, by the hour in which it came; only of the last days.
CREATE TABLE quota_use (
  hour TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('stream', 'key')),
  name TEXT NOT NULL,                     -- the stream's type, the key's id
  events INTEGER NOT NULL,
  PRIMARY KEY (hour, kind, name)
) STRICT, WITHOUT ROWID;

-- Quotas that are used up, as the edges read them with the snapshot.
CREATE TABLE quota_spent (
  kind TEXT NOT NULL CHECK (kind IN ('stream', 'key')),
  name TEXT NOT NULL,
  window TEXT NOT NULL CHECK (window IN ('hour', 'day')),
  events_max INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
