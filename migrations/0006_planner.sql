-- What the planner sees and what it decides. The edges read its steps with the streams, in the snapshot.

-- What a sealed hour asked of its shards (HourLoad as JSON); NULL: nobody could count it.
ALTER TABLE buckets ADD COLUMN load TEXT;

-- The shard counts of coming hours, as steps: [{"from": hour, "shards": n}, …].
ALTER TABLE streams ADD COLUMN planned TEXT NOT NULL DEFAULT '[]';

-- The newest hour that was decided; '': none was.
ALTER TABLE streams ADD COLUMN planned_hour TEXT NOT NULL DEFAULT '';

-- Streams whose owner leaves the count to the planner, in the order in which they wait for it.
CREATE INDEX streams_planned ON streams (planned_hour, type) WHERE settings ->> '$.shardsMax' > settings ->> '$.shards';

-- Every decision, with its reasons, for as long as it is of use.
CREATE TABLE plans (
  type TEXT NOT NULL,
  hour TEXT NOT NULL,
  decision TEXT NOT NULL,                 -- PlanDecision as JSON
  decided_at_ms INTEGER NOT NULL,
  PRIMARY KEY (type, hour)
) STRICT;

CREATE INDEX plans_by_hour ON plans (hour);
