/** What the rules of ops/alerts.yml say of two answers of /metrics: of the one for hours, then of the other for hours. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const hasPromtool = ((): boolean => {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

const minutes = 240;

/** Whether the alert fires, by Prometheus's own tool. It ends with another code if not. */
export function fires(alert: string, before: string, after: string): boolean {
  const [first, second] = [samplesOf(before), samplesOf(after)];
  const series = [...new Set([...first.keys(), ...second.keys()])].map((name) => ({
    series: name,
    values: `${valuesOf(first.get(name))} ${valuesOf(second.get(name))}`,
  }));
  const firing = `clamp_max(count(count_over_time(ALERTS{alertname="${alert}",alertstate="firing"}[1d])), 1)`;
  const folder = mkdtempSync(join(tmpdir(), "hourseal-rules-"));
  try {
    const suite = {
      rule_files: [resolve(import.meta.dirname, "../../../ops/alerts.yml")],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: series,
          promql_expr_test: [
            { expr: firing, eval_time: `${2 * minutes}m`, exp_samples: [{ labels: "{}", value: 1 }] },
          ],
        },
      ],
    };
    const file = join(folder, "test.json");
    writeFileSync(file, JSON.stringify(suite));
    execFileSync("promtool", ["test", "rules", file], { stdio: "pipe" });
    return true;
  } catch (error) {
    // Only that nothing fires is an answer; a file that it cannot read is not.
    if (error instanceof Error && "stderr" in error && String(error.stderr).includes("got: nil"))
      return false;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Values by series; what is no sample is passed over. */
function samplesOf(exposition: string): Map<string, string> {
  return new Map(
    exposition
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]),
  );
}

function valuesOf(value: string | undefined): string {
  return value === undefined ? `_x${minutes}` : `${value}+0x${minutes - 1}`;
}
