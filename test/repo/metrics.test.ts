/** The metrics' page, rules and dashboard: they name what there is. Rules are checked by promtool, where there is one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import {
  bucketFamilies,
  countedFamilies,
  eventFamilies,
  sourceFamily,
} from "../../domain/metrics/families.ts";
import { epochMs } from "../../domain/hour.ts";
import { metricsSeriesMax, metricsStreamsMax } from "../../domain/limits.ts";
import { root, textOf } from "./tree.ts";

const families = [
  sourceFamily({}),
  ...eventFamilies(new Map()),
  ...countedFamilies(new Map()),
  ...bucketFamilies([], { undigested: 0, untold: 0, freezes: [], spent: [] }, epochMs(0)),
];

const Dashboard = z.looseObject({
  panels: z.array(
    z.looseObject({ title: z.string(), targets: z.array(z.looseObject({ expr: z.string() })) }),
  ),
});
const dashboard = Dashboard.parse(JSON.parse(textOf("ops/grafana-dashboard.json")));
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const promtool = ((): boolean => {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

function check(...args: string[]): string {
  try {
    return execFileSync("promtool", args, { cwd: join(root, "ops"), encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    throw new Error(z.object({ stdout: z.string(), stderr: z.string() }).parse(error).stderr, {
      cause: error,
    });
  }
}

test("[OP8] docs/metrics.md lists every metric with its kind, and none that is not there", () => {
  const listed = [...textOf("docs/metrics.md").matchAll(/^\| `(hourseal_\w+)` +\| (\w+) +\|/gm)];
  expect(listed.map(([, name, kind]) => `${name} ${kind}`).toSorted()).toEqual(
    families.map(({ name, type }) => `${name} ${type}`).toSorted(),
  );
  for (const bound of [metricsStreamsMax, metricsSeriesMax])
    expect(textOf("docs/metrics.md")).toContain(bound.toLocaleString("en"));
  expect(textOf("ops/prometheus.yml")).toContain(`sample_limit: ${metricsSeriesMax} `);
});

test("[OP8] rules and dashboard ask for metrics that there are", () => {
  const known = new Set(
    families.flatMap(({ name, type }) => {
      if (type === "gauge") return [name];
      return type === "counter" ? [`${name}_total`] : [`${name}_bucket`, `${name}_count`, `${name}_sum`];
    }),
  );
  const asked = `${textOf("ops/alerts.yml")} ${expressions.join(" ")}`.match(/\bhourseal_\w+/g) ?? [];
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

test.skipIf(!promtool)(
  "[OP8] promtool takes the rules, and they fire when they should (skipped without promtool)",
  () => {
    check("check", "rules", "alerts.yml");
    check("test", "rules", "alerts.test.yml");
  },
);

test.skipIf(!promtool)("[OP8] promtool takes what the dashboard asks (skipped without promtool)", () => {
  const folder = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  try {
    const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    const file = join(folder, "dashboard.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(check("check", "rules", file)).toContain(`${rules.length} rules found`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
