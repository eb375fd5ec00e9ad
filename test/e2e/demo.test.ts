import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";

test("the demo delivers every event and says so, one row per bucket", async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith("hourseal-demo-"));
  const { code, stdout, stderr } = await runScript("demo", []);
  expect([stderr, code]).toEqual(["", 0]);
  const rows = stdout.split("\n").filter((line) => /^2026-01-01T0[012] balanced/.test(line));
  expect(rows).toHaveLength(15);
  expect(stdout).toContain("15 sealed buckets");
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("hourseal-demo-"))).toEqual(before);
}, 120_000);
