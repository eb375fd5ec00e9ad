-- Every JSON Schema that a stream has had, by its version: rows and manifests name the version that they were checked by.

CREATE TABLE stream_schemas (
  type TEXT NOT NULL,
  version INTEGER NOT NULL,               -- 1, 2, 3, …
  schema TEXT NOT NULL,                   -- JSON
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (type, version)
) STRICT;

-- Counts the schemas that the stream has had; 0: none.
ALTER TABLE streams ADD COLUMN schema_version INTEGER NOT NULL DEFAULT 0;
