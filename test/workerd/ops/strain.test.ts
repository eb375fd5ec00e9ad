/** Streams under strain, as the catalog has them: shards that spill, events in quarantine; in the report and on a stream's page. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { plusHours, startOf } from "../../../domain/hour.ts";
import { shardRowsTarget, strainedListedMax } from "../../../domain/limits.ts";
import type { HourLoad } from "../../../domain/load.ts";
import type { AuditReport } from "../../../domain/report.ts";
import type { StreamReply } from "../../../domain/view/stream.ts";
import { recordVerdict } from "../../../platform/catalog/audits.ts";
import { enumerateDue } from "../../../platform/catalog/due.ts";
import { recordSealed } from "../../../platform/catalog/sealed.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { at, bucket, sealed, settings, type } from "../helpers.ts";
import { ask, noon } from "./ask.ts";

const nothing = { rows: 0, busiestRows: 0, spilledRows: 0, bytes: 0, busiestBytes: 0, spilledBytes: 0 };
const hour = bucket("x", "2026-11-23T10").hour;

/** A stream whose bucket of ten o'clock is sealed and balanced, with this load. */
async function loaded(name: string, load: Partial<HourLoad>): Promise<void> {
  const address = bucket(name, hour);
  await putStream(env.CATALOG, type(name), settings({ owner: "us", shardsMax: 4 }), startOf(hour));
  await enumerateDue(env.CATALOG, noon, 100);
  const dueAtMs = at("2026-11-23T11:10:00Z");
  await recordSealed(env.CATALOG, [{ address, dueAtMs, summary: sealed("2026-11-23T11:12:05Z") }]);
  await recordVerdict(env.CATALOG, {
    address,
    findings: [],
    load: { shards: 2, failed: 0, ...nothing, ...load },
    attempts: 0,
    at: at("2026-11-23T11:30:00Z"),
  });
}

async function report(query: string): Promise<AuditReport> {
  return (await ask(`GET /v1/audit/report?from=${hour}&to=${plusHours(hour, 1)}&${query}`)).json();
}

async function page(name: string, hours: number): Promise<StreamReply> {
  return (await ask(`GET /v1/audit/streams/${encodeURIComponent(name)}?hours=${hours}`)).json();
}

describe("[OP7] the report", () => {
  it("lists streams whose shards spill or whose events are in quarantine, most first, and is ok all the same", async () => {
    await loaded("strain/calm", { rows: 9 });
    await loaded("strain/spilled", { rows: 90, spilledRows: 30 });
    await loaded("strain/quarantined", { rows: 5, quarantined: 40 });
    const { ok, strained } = await report("owner=us");
    const row = { owner: "us", hours: 1, lastHour: hour };
    expect([ok, strained]).toEqual([
      true,
      [
        { type: "strain/quarantined", ...row, rows: 5, spilledRows: 0, quarantinedEvents: 40 },
        { type: "strain/spilled", ...row, rows: 90, spilledRows: 30, quarantinedEvents: 0 },
      ],
    ]);
    expect((await report("type=strain/calm")).strained).toEqual([]);
  });

  it.each([
    [strainedListedMax, strainedListedMax],
    [strainedListedMax + 1, strainedListedMax],
  ])("of %i such streams lists %i", async (count, listed) => {
    for (let no = 0; no < count; no++)
      await loaded(`strain/many-${no}`, { rows: 9, spilledRows: 1_000 + no });
    const { strained } = await report("");
    expect([strained.length, strained[0]?.type]).toEqual([listed, `strain/many-${count - 1}`]);
  });
});

it("[OP3] a stream's page has its plan against its need, and says what nobody counted", async () => {
  await loaded("strain/plan", {
    rows: 3 * shardRowsTarget,
    busiestRows: 2 * shardRowsTarget,
    quarantined: 7,
  });
  const { from, planned, needed, quarantined, ahead } = await page("strain/plan", 3);
  expect([from, planned, quarantined]).toEqual([hour, [2, null, null], [7, 0, 0]]);
  expect(needed).toEqual([expect.closeTo(4, 5), null, null]);
  expect(ahead).toEqual(["12", "13", "14"].map((clock) => ({ hour: `2026-11-23T${clock}`, shards: 1 })));
});
