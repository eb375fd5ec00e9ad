/**
 * A stream's schema, as whoever writes columns sees it: the one of the snapshot that its isolate holds.
 *
 * Promises to answer, whatever fails: without a schema a part has no typed columns, and all of its data all the same.
 * A part keeps the schema that it was frozen with, so a later or an earlier one changes nothing that is begun.
 */
import type { EpochMs } from "../domain/hour.ts";
import type { EventType } from "../domain/ids.ts";
import type { JsonObject } from "../domain/schema/json.ts";
import { log } from "./log.ts";
import { type SnapshotEnv, edgeSnapshots } from "./snapshot-source.ts";

export async function schemaOf(env: SnapshotEnv, type: EventType, now: EpochMs): Promise<JsonObject | null> {
  try {
    const { streams } = await edgeSnapshots.current(env, now);
    return streams.get(type)?.schema ?? null;
  } catch (error) {
    log("schema", "unreadable", { type, error: String(error) });
    return null;
  }
}
