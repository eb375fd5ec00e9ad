/**
 * What of a stream is in quarantine: rows of the newest sealed hours that hold any of it, until enough were looked at.
 * An hour whose parts cannot be read is passed over: that is the auditor's to say.
 */
import { type Hour, plusHours } from "../../../../domain/hour.ts";
import type { EventType } from "../../../../domain/ids.ts";
import { quarantineType, quarantinedOf } from "../../../../domain/quarantine.ts";
import { QuarantineSample, type QuarantineView } from "../../../../domain/view/quarantine.ts";
import { type HourRange, type SealedHour, sealedHours } from "../../../../platform/catalog/views.ts";
import { r2Objects } from "../../../../platform/objects.ts";
import { linesOf } from "../../../../platform/part-lines.ts";
import type { OpsEnv } from "../http.ts";
import { readManifest } from "./read-manifest.ts";

/** Null: by what the audits counted, none of its events went there. */
export async function sampleQuarantine(
  env: OpsEnv,
  type: EventType,
  sealed: readonly SealedHour[],
  range: HourRange,
): Promise<QuarantineView | null> {
  const maybe = hoursWithAny(sealed);
  if (maybe.size === 0) return null;
  const hours = await sealedHours(env.CATALOG, quarantineType, range);
  const sample = new QuarantineSample();
  for (const { hour, rows } of hours.toReversed()) {
    if (rows === 0 || !maybe.has(hour)) continue;
    for await (const line of rowsIn(env, hour)) {
      if (!sample.take(hour, quarantinedOf(line, type))) return sample.view();
    }
  }
  return sample.view();
}

/** An event of an hour that comes within its grace is counted in the hour after it. */
function hoursWithAny(sealed: readonly SealedHour[]): ReadonlySet<Hour> {
  return new Set(
    sealed
      .filter(({ load }) => load === null || load.quarantined !== undefined)
      .flatMap(({ hour }) => [hour, plusHours(hour, -1)]),
  );
}

async function* rowsIn(env: OpsEnv, hour: Hour): AsyncGenerator<string> {
  const objects = r2Objects(env.EVENTS);
  const manifest = await readManifest(objects, { type: quarantineType, hour });
  for (const { key, format } of manifest?.parts ?? []) {
    if (format !== "ndjson.gz") continue;
    const found = await objects.get(key);
    if (found === null) continue;
    try {
      yield* linesOf(found.body);
    } catch {
      continue;
    }
  }
}
