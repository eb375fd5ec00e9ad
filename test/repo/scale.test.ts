/** The model of docs/scale.md: it is what the page shows, and it answers as arithmetic must. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { talk } from "../../bench/scale/load.ts";
import { measured } from "../../bench/scale/measured.ts";
import { needsOf } from "../../bench/scale/model.ts";
import { scaleReport } from "../../bench/scale/report.ts";
import { shardsMax } from "../../domain/limits.ts";

/** Tables are aligned in the page and not in what is printed. */
function words(markdown: string): string {
  return markdown.replaceAll(/-{3,}/g, "-").replaceAll(/\s+/g, " ").trim();
}

test("docs/scale.md shows what `npm run scale` prints", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/scale.md"), "utf8");
  const [, shown = ""] = /<!-- what follows[^>]*-->([^]*)<!-- end -->/.exec(page) ?? [];
  expect(words(shown)).toBe(words(scaleReport(talk, measured)));
});

test("twice the load needs twice of everything that grows, and no limit grows with it", () => {
  const once = needsOf(talk, measured);
  const twice = needsOf({ ...talk, eventsPerSecond: 2 * talk.eventsPerSecond }, measured);
  expect(twice.requestsPerSecond).toBe(2 * once.requestsPerSecond);
  expect(twice.bytesPerDay).toBe(2 * once.bytesPerDay);
  expect(twice.shards / once.shards).toBeCloseTo(2, 1);
  const available = (needs: typeof once): object =>
    Object.fromEntries(needs.bounds.map(({ what, available: there }) => [what, there]));
  expect(available(twice)).toEqual(available(once));
});

test("what breaks first stands first", () => {
  const shares = needsOf(talk, measured).bounds.map(({ needed, available }) => available / needed);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
});

test("the busiest stream of the talk's load fits into one stream", () => {
  expect(needsOf(talk, measured).shardsOfLargest[0]).toBeLessThanOrEqual(shardsMax);
});
