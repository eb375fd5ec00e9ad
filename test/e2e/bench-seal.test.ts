/** `npm run bench:seal`, small: an hour that R2 was away from is sealed as a whole once it is due, and measured. */
import { expect, test } from "vitest";
import { measureHour } from "../../bench/seal/hour.ts";
import { sealTable } from "../../bench/seal/report.ts";

test("an hour is filled, sealed, audited and counted; late rows wake its home and are counted, too", async () => {
  const hour = await measureHour({ rows: 2_000, r2Away: true });
  expect(hour).toMatchObject({ rows: 2_000, shards: 1, parts: 1, lateRows: 2_000 });
  expect(hour.plainBytes).toBeGreaterThan(2_000 * 400);
  for (const ms of [hour.sealMs, hour.gzipMs, hour.auditMs, hour.lateSealMs]) expect(ms).toBeGreaterThan(0);
  expect(sealTable([hour])).toContain("| 2,000 | away ");
}, 120_000);
