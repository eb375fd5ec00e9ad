/** `npm run bench:row-groups`, small: every file of the same rows answers an engine's questions alike. */
import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";

test("each compression is measured with each size of groups, by an engine that answers the same for all", async () => {
  const { code, stdout, stderr } = await runScript("../bench/row-groups", [
    "--rows=4000",
    "--mib=1,2",
    "--rounds=1",
  ]);
  expect(stderr).not.toContain("differently");
  expect(code).toBe(0);
  const rows = stdout
    .split("\n")
    .filter((line) => line.startsWith("| gzip") || /^\| (snappy|none)/.test(line));
  expect(rows).toHaveLength(10);
  expect(stdout).toMatch(/^\| gzip 6 \| 1 MiB \| 3 \|/m);
}, 60_000);
