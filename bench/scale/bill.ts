/** Dollars a day: what the load uses of each meter, times the prices of bench/prices.ts. */
import { retireAfterWindowMs, windowMsDefault } from "../../domain/limits.ts";
import { type Meter, cloudflare, dollars } from "../prices.ts";
import type { Load } from "./load.ts";
import type { Measured, Needs } from "./model.ts";

export interface BillLine {
  readonly meter: Meter;
  readonly unitsPerDay: number;
  readonly usdPerDay: number;
  readonly how: string;
}

const daySeconds = 86_400;
const daysOfMonth = 30;
/** Memory that an object is billed for while it works. */
const objectGb = 0.128;

export function billPerDay(load: Load, needs: Needs, measured: Measured): BillLine[] {
  const requests = needs.requestsPerSecond * daySeconds;
  const appends = needs.appendsPerSecond * daySeconds;
  const commits = appends / needs.appendsPerCommit;
  const reports = Math.min(requests, load.isolates * measured.reportsPerSecondOfIsolate * daySeconds);
  const stored = (needs.payloadBytesHeld + needs.identityBytesHeld) / 1e9 / daysOfMonth;
  const keptDays = (windowMsDefault + retireAfterWindowMs) / (daySeconds * 1_000);
  const uses: readonly (readonly [Meter, number, string])[] = [
    ["worker_requests", requests, "one a request of a client"],
    ["cpu_ms", requests * measured.cpuMsPerRequest, "edge and objects together, which is too much"],
    ["object_requests", appends + reports, "an append for each stream in a request, and the reports"],
    ["object_gb_s", needs.shards * daySeconds * objectGb, "every shard of the hour at work all the time"],
    ["rows_written", 2 * commits + reports, "a commit, its delete, a report"],
    ["object_storage_gb_month", stored, `payloads until balanced, identities for ${keptDays} days`],
    ["r2_class_a", needs.partsPerDay + 3 * needs.bucketsPerDay, "parts, manifests, marks, listings"],
    ["r2_class_b", needs.partsPerDay + needs.bucketsPerDay, "the audit reads everything once"],
    [
      "r2_storage_gb_month",
      needs.sealedBytesKept / 1e9 / daysOfMonth,
      `${load.daysKept} days of sealed hours`,
    ],
    ["d1_rows_written", 12 * needs.bucketsPerDay, "about a dozen for each bucket"],
  ];
  return uses.map(([meter, unitsPerDay, how]) => ({
    meter,
    unitsPerDay,
    usdPerDay: dollars(cloudflare[meter], unitsPerDay),
    how,
  }));
}
