/** A replay through the built system, which is killed in the middle of it and in the middle of the seal. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const folder = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const dataDir = join(folder, "data");
const file = join(folder, "events.ndjson");
const eventCount = 6_000;
const types = ["a/b", "c é", "d"];
let running: Running;

beforeAll(async () => {
  const startMs = Date.parse("2026-03-01T22:00:00Z");
  const lines = Array.from({ length: eventCount }, (_, n) => {
    // Two and a half hours, slightly out of order.
    const at = new Date(startMs + n * 1_500 - (n % 7) * 900).toISOString();
    return JSON.stringify({ kind: types[n % types.length], at, n, text: "x".repeat(200) });
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
  running = await start(dataDir, ["--port", "0", "--clock", "2026-03-01T21:59:00Z"]);
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  const { port } = new URL(running.url);
  await running.end("SIGKILL");
  for (let tries = 0; ; tries++) {
    try {
      running = await start(dataDir, ["--port", port]);
      return;
    } catch (error) {
      // The port is free once the killed runtime's sockets are gone.
      if (tries === 20 || !String(error).includes("in use")) throw error;
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

function replay(...args: readonly string[]): ReturnType<typeof runScript> {
  const mapping = ["--type-field", "kind", "--time-field", "at", "--source", "//test/replay"];
  const target = ["--url", running.url, "--data", dataDir, "--clock", "--register"];
  return runScript("replay", [file, ...mapping, ...target, ...args]);
}

test("[LO1] [LO3] every event is in its bucket once, whenever the runtime was killed", async () => {
  const first = replay("--batch", "50", "--concurrency", "2");
  await new Promise((done) => setTimeout(done, 2_500));
  await restart();
  const { code, stdout, stderr } = await first;
  expect([stderr, code]).toEqual(["", 0]);
  expect(stdout).toMatch(new RegExp(`sent +${eventCount}`));
  expect(stdout).toMatch(/refused +0/);

  const second = replay("--finish");
  await new Promise((done) => setTimeout(done, 1_500));
  await restart();
  await second;
  const third = await replay("--finish");
  // Its events are late now: they are taken in the hour in which they arrive, and not delivered again.
  expect(third.stdout).toMatch(/refused +0/);
  expect(third.stdout).toMatch(new RegExp(`audit: \\d+ buckets balanced, 0 not; ${eventCount} rows`));

  await running.end("SIGTERM");
  const verified = await runScript("verify", ["--data", dataDir]);
  expect(verified.stdout).toMatch(new RegExp(`(9|12) sealed buckets, ${eventCount} rows: all balanced`));
}, 180_000);
