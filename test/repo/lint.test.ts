/**
 * The rules that hold the borders are themselves tested: for each, a file that breaks it is written into a copy of the
 * configuration and must be reported. A rule that was switched off, or a pattern that no longer matches, shows here.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./tree.ts";

const copy = mkdtempSync(join(tmpdir(), "hourseal-lint-"));

/** Each is one file that breaks one rule. */
const violations: readonly (readonly [path: string, code: string, rule: string])[] = [
  ["domain/date-now.ts", "export const a = Date.now();", "no-restricted-globals"],
  ["domain/new-date.ts", "export const a = new Date(0);", "no-restricted-globals"],
  ["domain/global-date.ts", "export const a = globalThis.Date.now();", "no-restricted-globals"],
  ["domain/crypto.ts", "export const a = crypto.randomUUID();", "no-restricted-globals"],
  ["domain/fetch.ts", 'void fetch("https://e.com");', "no-restricted-globals"],
  ["domain/timer.ts", "setTimeout(() => undefined, 1);", "no-restricted-globals"],
  ["domain/interval.ts", "setInterval(() => undefined, 1);", "no-restricted-globals"],
  ["domain/random.ts", "export const a = Math.random();", "no-restricted-properties"],
  ["domain/platform.ts", 'import "../platform/log.ts";', "no-restricted-imports"],
  ["domain/event/platform.ts", 'import "../../platform/log.ts";', "no-restricted-imports"],
  ["domain/object.ts", 'import "../durable-objects/event-shard/shard.ts";', "no-restricted-imports"],
  ["domain/worker.ts", 'import "../workers/index.ts";', "no-restricted-imports"],
  ["domain/node.ts", 'import "node:fs";', "no-restricted-imports"],
  ["domain/cloudflare.ts", 'import "cloudflare:workers";', "no-restricted-imports"],
  ["domain/console.ts", 'console.log("a");', "no-console"],
  ["platform/worker.ts", 'import "../workers/index.ts";', "no-restricted-imports"],
  ["platform/object.ts", 'import "../durable-objects/event-shard/shard.ts";', "no-restricted-imports"],
  ["workers/ingest/flusher.ts", 'import "../flusher/scheduled.ts";', "no-restricted-imports"],
  ["workers/flusher/ingest.ts", 'import "../ingest/app.ts";', "no-restricted-imports"],
  ["workers/console.ts", 'console.log("a");', "no-console"],
  [
    "platform/floating.ts",
    "export function f(g: () => Promise<void>): void { g(); }",
    "no-floating-promises",
  ],
  [
    "platform/misused.ts",
    "export function f(g: () => Promise<boolean>): number { return g() ? 1 : 2; }",
    "no-misused-promises",
  ],
  [
    "platform/forgotten.ts",
    'export function f(g: "a" | "b"): void { switch (g) { case "a": throw new Error("a"); } }',
    "switch-exhaustiveness-check",
  ],
  ["platform/any.ts", "export function f(g: any): void { g.h(); }", "no-explicit-any"],
  ["platform/unsafe.ts", 'export function f(): string { return JSON.parse("1"); }', "no-unsafe-return"],
];

const reported = new Map<string, string[]>();

beforeAll(() => {
  for (const path of [".oxlintrc.json", "tsconfig.base.json", "domain/tsconfig.json"]) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  writeFileSync(
    join(copy, "tsconfig.json"),
    JSON.stringify({ extends: "./tsconfig.base.json", include: ["platform", "workers"] }),
  );
  for (const [path, code] of violations) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), `${code}\n`);
  }
  writeFileSync(join(copy, "domain", "clean.ts"), "export const hours = [1, 2].map((hour) => hour + 1);\n");
  const oxlint = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/oxlint/bin/oxlint"),
      "--type-aware",
      "--format=unix",
      "domain",
      "platform",
      "workers",
    ],
    { cwd: copy, encoding: "utf8" },
  );
  for (const line of oxlint.stdout.split("\n")) {
    const [, path = "", rule = ""] = /^([^:]+):\d+:\d+: .*\(([\w-]+)\)\]$/.exec(line) ?? [];
    reported.set(path, [...(reported.get(path) ?? []), rule]);
  }
});

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

test.each(violations)("%s is reported", (path, _code, rule) => {
  expect(reported.get(path)).toContain(rule);
});

test("a file that breaks nothing is not", () => {
  expect(reported.get("domain/clean.ts")).toBeUndefined();
});

test("what the platform offers does not compile in domain/", () => {
  const tsc = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", "domain", "--pretty", "false"],
    { cwd: copy, encoding: "utf8" },
  );
  const named = new Set(
    [...tsc.stdout.matchAll(/^domain\/([\w/-]+)\.ts\(\d+,\d+\): error/gm)].map(([, name]) => name),
  );
  for (const name of ["crypto", "fetch", "timer", "interval", "console", "node", "cloudflare"]) {
    expect(named).toContain(name);
  }
  expect(named).not.toContain("clean");
});
