/**
 * A fixed set of seeds, a few fresh ones, and that a seed replays exactly. Runs are processes of their own, as
 * `npm run sim` makes them: limits are shrunk as production's modules are loaded.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = join(dirname(fileURLToPath(import.meta.url)), "run.ts");

function play(
  seed: number,
  runs: number,
): { readonly code: number | null; readonly last: string; readonly all: string } {
  const args = [script, "--seed", String(seed), "--runs", String(runs), "--quiet"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const lines = stdout.trim().split("\n");
  return {
    code: status,
    last: lines.find((line) => line.includes(" hash ")) ?? "",
    all: `${stdout}${stderr}`,
  };
}

function hashIn(line: string): string | undefined {
  return /hash ([0-9a-f]+)/.exec(line)?.[1];
}

describe("a simulated world", () => {
  it("[SH2] [SH4] [PA3] [BU4] [BU8] [LE2] keeps the guarantees for a fixed set of seeds", () => {
    const played = play(1, 20);
    expect(played.code, played.all).toBe(0);
  }, 240_000);

  it("[SH2] [SH4] [PA3] [BU4] [BU8] [LE2] keeps the guarantees for seeds that nobody has seen", () => {
    const played = play(Math.floor(Math.random() * 1e9), 5);
    expect(played.code, played.all).toBe(0);
  }, 240_000);

  it("[BU7] goes the same way from the same seed, call by call", () => {
    const [first, again, other] = [play(7, 3), play(7, 3), play(8, 3)];
    expect(hashIn(first.last)).toMatch(/^[0-9a-f]+$/);
    expect(hashIn(again.last)).toBe(hashIn(first.last));
    expect(hashIn(other.last)).not.toBe(hashIn(first.last));
  }, 240_000);
});
