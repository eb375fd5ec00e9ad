/** What an object still holds once its hour is delivered and proved, until it retires: identities, not payloads. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { EventType } from "../../domain/ids.ts";
import { storedBytesPerMillion } from "../../domain/limits.ts";
import { parseHour } from "../../domain/hour.ts";
import { broken } from "../../domain/invariant.ts";
import {
  append,
  bucketOf,
  due,
  during,
  hourText,
  plan,
  rowsOf,
  setClock,
  shardOf,
  sql,
  upTo,
} from "./helpers-objects.ts";

const requestsPerCommit = 4;
const data = "x".repeat(400);

it.for([
  { rows: 20, requests: 1_000, stored: storedBytesPerMillion.batched },
  { rows: 1, requests: 4_000, stored: storedBytesPerMillion.single },
])(
  "[BU10] an hour of requests with $rows events stores no more than is stated",
  async ({ rows, requests, stored }) => {
    const hour = parseHour(hourText) ?? broken(hourText);
    const address = { type: EventType.parse(`storage-${rows}`), hour };
    setClock(during(address));
    for (let request = 0; request < requests; request += requestsPerCommit) {
      const posted = upTo(requestsPerCommit, request).map((no) =>
        rowsOf(address, upTo(rows, no * rows), data),
      );
      await Promise.all(posted.map((some) => append(address, some)));
    }
    const now = setClock(due(address));
    expect(await bucketOf(address).seal({ nowMs: now, plan })).toMatchObject({ state: "sealed" });
    await bucketOf(address).verified({ nowMs: now, verdict: "balanced" });
    const left = "SELECT 1 AS one FROM batch WHERE payload IS NOT NULL LIMIT 1";
    while ((await sql(shardOf(address), left)).length > 0) await runDurableObjectAlarm(bucketOf(address));
    const bytes = await runInDurableObject(shardOf(address), (_, { storage }) => storage.sql.databaseSize);
    expect((bytes / (rows * requests)) * 1e6).toBeLessThan(stored);
  },
);
