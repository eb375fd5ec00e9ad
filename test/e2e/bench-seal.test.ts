/** `npm run bench:seal`, small: an hour that R2 was away from is sealed as a whole once it is due, and measured. */
import { expect, test } from "vitest";
import { measureHour } from "../../bench/seal/hour.ts";
import { memoryTable, sealTable } from "../../bench/seal/report.ts";
import { broken } from "../../domain/invariant.ts";

test("an hour is filled, sealed, audited and counted; late rows wake its home and are counted, too", async () => {
  const hour = await measureHour({ rows: 2_000, r2Away: true, live: false });
  expect(hour).toMatchObject({ rows: 2_000, shards: 1, parts: 1, lateRows: 2_000 });
  expect(hour.plainBytes).toBeGreaterThan(2_000 * 400);
  for (const ms of [hour.sealMs, hour.gzipMs, hour.auditMs, hour.lateSealMs]) expect(ms).toBeGreaterThan(0);
  expect(sealTable([hour])).toContain("| 2,000 | away ");
}, 120_000);

test("what lives in the isolate is measured after a collection, and less than what the runtime takes", async () => {
  const hour = await measureHour({ rows: 5_000, r2Away: true, live: true });
  const { ingest, seal, audit, late } = hour.aboveRest ?? broken("nothing was measured");
  // Five thousand fingerprints are in a table of 8,192 slots, at 16 bytes: what is measured sees at least that.
  for (const bytes of [ingest, seal, audit, late]) {
    expect(bytes).toBeGreaterThan(8_192 * 16);
    expect(bytes).toBeLessThan(64 * 1_024 * 1_024);
  }
  expect(memoryTable([hour])).toContain("MiB live above rest");
}, 120_000);
