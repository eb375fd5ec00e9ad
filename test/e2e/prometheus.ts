/** A real Prometheus as a process of its own, that scrapes one target. Where none is installed, tests with it are skipped. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";

export const hasPrometheus = ((): boolean => {
  try {
    execFileSync("prometheus", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

const Answer = z.object({
  data: z.object({
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});
const Alerts = z.object({
  data: z.object({
    alerts: z.array(z.looseObject({ labels: z.record(z.string(), z.string()), state: z.string() })),
  }),
});

export interface Prometheus {
  /** The value of every series that the query finds. */
  readonly query: (promql: string) => Promise<number[]>;
  /** Names of the alerts that are pending or firing. */
  readonly alerts: () => Promise<string[]>;
  readonly end: () => Promise<void>;
}

/** Scrapes every second with this key, by the rules of the repository. */
export async function startPrometheus(target: string, key: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "hourseal-prometheus-"));
  copyFileSync(resolve(import.meta.dirname, "../../ops/alerts.yml"), join(folder, "alerts.yml"));
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ["alerts.yml"],
    scrape_configs: [
      {
        job_name: "hourseal",
        authorization: { credentials: key },
        static_configs: [{ targets: [new URL(target).host] }],
      },
    ],
  };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json();
  const query = async (promql: string): Promise<number[]> =>
    Answer.parse(await ask(`query?query=${encodeURIComponent(promql)}`)).data.result.map(({ value }) =>
      Number(value[1]),
    );
  await until(async () => (await query("up")).length > 0);
  return {
    query,
    alerts: async () =>
      Alerts.parse(await ask("alerts")).data.alerts.map(({ labels }) => labels["alertname"] ?? ""),
    end: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for what a scrape and an evaluation bring. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds().catch(() => false)) return;
    await pause(200);
  }
  throw new Error("Prometheus did not come to it within 20 s");
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    child.once("close", () => {
      done();
    });
    child.kill("SIGTERM");
  });
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        done(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
