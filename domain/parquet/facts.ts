/** What a Parquet part says of itself, in its key-value metadata: enough to know it without its manifest. */
import type { BucketAddress } from "../ids.ts";
import type { PartContent } from "../manifest.ts";

export type FileFacts = Readonly<Record<string, string>>;

/** In one order: equal rows give equal bytes. */
export function factsOf(
  { type, hour }: BucketAddress,
  { tally, schemaVersions = {} }: PartContent,
): FileFacts {
  const newest = Math.max(0, ...Object.keys(schemaVersions).map(Number));
  return {
    "hourseal.type": type,
    "hourseal.hour": hour,
    "hourseal.rows": String(tally.rows),
    "hourseal.identity_sum": tally.sum,
    ...(newest === 0 ? {} : { "hourseal.schema_version": String(newest) }),
  };
}
