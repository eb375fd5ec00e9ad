/** `npm run bench:week`, small: two streams for three hours, in two formats, every row found in what was sealed. */
import { expect, test } from "vitest";
import { weekOf } from "../../bench/week/load.ts";
import { weekTable } from "../../bench/week/report.ts";
import { measureWeek } from "../../bench/week/run.ts";

test("every hour of every stream is sealed and counted, late events in the hour that they came in", async () => {
  const load = weekOf({ events: 3_000, streams: 2, hours: 3 });
  const buckets = await measureWeek(load, ["ndjson.gz", "parquet"]);
  expect(buckets.map(({ type, rows }) => [type, rows])).toEqual(
    load.streams.flatMap(({ type, events }) => events.map((rows) => [type, rows])),
  );
  for (const { objectBytes, plainBytes, rows } of buckets) {
    expect(objectBytes, "one object of each format").toHaveLength(2);
    expect(plainBytes).toBeGreaterThan(rows * 400);
  }
  expect(weekTable(buckets)).toMatch(/^\| at most 1 MiB \| 6 \| (2,99\d|3,00\d) \| 12 \| 2 \|/m);
}, 60_000);
