/** `npm run bench`, small: it measures every target, and a lost or surplus row does not pass. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { answerIn } from "../../bench/speed/connection.ts";
import { faultsOf } from "../../bench/speed/hourseal.ts";
import { figureOf } from "../../bench/speed/report.ts";
import { eventNumber, workloads } from "../../bench/speed/workloads.ts";
import { repositoryRoot } from "../../scripts/local/config.ts";

const Figures = z.looseObject({
  summaries: z.array(
    z.looseObject({
      workload: z.string(),
      targets: z.array(
        z.looseObject({ target: z.string(), requestsPerSecond: z.looseObject({ median: z.number() }) }),
      ),
      ratios: z.array(z.looseObject({ to: z.string(), p50: z.looseObject({ median: z.number() }) })),
    }),
  ),
});

test("a second of one workload measures every target, and counts the ids that were sealed", () => {
  const dir = mkdtempSync(join(tmpdir(), "hourseal-bench-test-"));
  try {
    const json = join(dir, "figures.json");
    const args = ["bench/speed.ts", "--only", "20x16-rate100", "--rounds", "1", "--json", json];
    const text = execFileSync(process.execPath, args, { cwd: repositoryRoot, encoding: "utf8" });
    expect(text).toContain("(b) bare group commit");
    const [summary] = Figures.parse(JSON.parse(readFileSync(json, "utf8"))).summaries;
    expect(summary?.targets.map(({ target }) => target)).toEqual(["hourseal", "a", "b", "c", "d"]);
    for (const { requestsPerSecond } of summary?.targets ?? [])
      expect(requestsPerSecond.median).toBeGreaterThan(0);
    for (const { p50 } of summary?.ratios ?? []) expect(p50.median).toBeGreaterThan(0);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 180_000);

describe("what was acknowledged is compared with what is sealed", () => {
  const workload = workloads.find(({ name }) => name === "20x64");
  const sealed = (numbers: readonly number[], others = 0) => ({
    rows: numbers.length + others,
    numbers: new Map(numbers.map((number) => [number, numbers.filter((one) => one === number).length])),
    others,
  });
  const forty = Array.from({ length: 40 }, (_, number) => number);

  test.each([
    ["all there", forty, 0, []],
    ["one lost", forty.slice(1), 0, ["1 of 40 acknowledged events are in no part"]],
    ["one twice", [...forty, 7], 0, ["1 of 41 rows should not be there"]],
    ["one never sent", [...forty, 40], 0, ["1 of 41 rows should not be there"]],
    ["a stranger", forty, 1, ["1 of 41 rows should not be there"]],
  ])("%s", (_what, numbers, others, faults) => {
    if (workload === undefined) throw new Error("no such workload");
    expect(faultsOf(workload, 2, sealed(numbers, others))).toEqual(faults);
  });
});

test("one event in ten repeats one that was sent long before, and no repetition is repeated", () => {
  const workload = workloads.find(({ name }) => name === "20x64-dup10");
  if (workload === undefined) throw new Error("no such workload");
  const seen = new Set<number>();
  let repeated = 0;
  for (let request = 0; request < 1_000; request++) {
    for (let at = 0; at < 20; at++) {
      const number = eventNumber(workload, request, at);
      if (seen.has(number)) repeated++;
      seen.add(number);
    }
  }
  expect(repeated).toBe((1_000 - 160) * 2);
});

test("an answer is complete when its length says so, or its last chunk is there", () => {
  const answer = (text: string) => answerIn(Buffer.from(text.replaceAll("\n", "\r\n")));
  expect(answer("HTTP/1.1 200 OK\nContent-Length: 3\n\nab")).toBeNull();
  expect(answer("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc")).toEqual({ status: 200, body: "abc" });
  expect(answer("HTTP/1.1 503 No\nTransfer-Encoding: chunked\n\n1\na\n")).toBeNull();
  expect(answer("HTTP/1.1 503 No\nTransfer-Encoding: chunked\n\n1\na\n0\n\n")?.status).toBe(503);
  expect(answer("HTTP/1.1 204 No Content\n\n")).toEqual({ status: 204, body: "" });
  expect(answer("HTTP/1.1 204 No Con")).toBeNull();
});

test("a figure is the median with its spread", () => {
  expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(figureOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
});
