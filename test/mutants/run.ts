/**
 * `npm run mutants [-- --only TEXT] [--runs N]`: applies each broken variant to a copy of the tree and sees which check
 * catches it: first the simulation, then the tests that the variant names, then the crash matrix.
 * Exit code 1 if one is missed, if a patch no longer applies, or if the unbroken tree does not pass.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Mutant, mutants } from "./mutants.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    runs: { type: "string", default: "400" },
    lanes: { type: "string", default: "2" },
  },
});

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copied = [
  "domain",
  "durable-objects",
  "migrations",
  "platform",
  "workers",
  "scripts",
  "test",
  "package.json",
  "tsconfig.json",
  "tsconfig.base.json",
];
/** A simulation that has found nothing by then is taken to find nothing: the tests are to catch it. */
const processMsMax = 480_000;
/** A test that ends so late hangs. Much more than it takes on a busy machine, where the unbroken tree must pass. */
const testMsMax = 240_000;
const firstSeed = "1";

type Verdict = { readonly caughtBy: string } | { readonly missed: string };

/** A copy of the tree, with the variant's patches. */
function treeOf({ patches }: Mutant): string {
  const tree = mkdtempSync(join(tmpdir(), "hourseal-mutant-"));
  for (const name of copied) cpSync(join(root, name), join(tree, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  const config = `export default { test: { testTimeout: ${testMsMax} } };\n`;
  writeFileSync(join(tree, "vitest.config.ts"), config);
  for (const { file, text, becomes } of patches) {
    const path = join(tree, file);
    const before = readFileSync(path, "utf8");
    if (before.split(text).length !== 2) throw new Error(`${file} does not hold this text once: ${text}`);
    writeFileSync(
      path,
      before.replace(text, () => becomes),
    );
  }
  return tree;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  /** It was stopped, as it took too long. */
  readonly stopped: boolean;
}

function run(tree: string, command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: tree,
      timeout: processMsMax,
      env: { ...process.env, NO_COLOR: "1" },
    });
    const chunks: string[] = [];
    const hear = (chunk: unknown): void => {
      chunks.push(String(chunk));
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => {
      resolve({ code: null, output: String(error), stopped: false });
    });
    child.on("close", (code, signal) => {
      resolve({ code, output: chunks.join(""), stopped: signal === "SIGTERM" });
    });
  });
}

async function verdictOf(mutant: Mutant): Promise<Verdict> {
  let tree: string;
  try {
    tree = treeOf(mutant);
  } catch (error) {
    return { missed: `the patch does not apply: ${String(error)}` };
  }
  try {
    const args = ["test/simulation/run.ts", "--seed", firstSeed, "--runs", values.runs, "--quiet"];
    const simulated = await run(tree, process.execPath, args);
    const violated = /^(seed \d+) violates: ([^:]+):/m.exec(simulated.output);
    if (violated !== null) return { caughtBy: `simulation, ${violated[1]}: ${violated[2]}` };
    if (simulated.code !== 0 && !simulated.stopped)
      return { missed: `the simulation did not run: ${simulated.output.slice(-400)}` };
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    for (const tests of [mutant.tests, ["test/crash"]]) {
      if (tests.length === 0) continue;
      const tested = await run(tree, process.execPath, [vitest, "run", "--bail", "1", ...tests]);
      // As it is summed up, or, where it was stopped before, as it failed.
      const failed = /(?:FAIL\s+|❯ )(\S+\.test\.ts)/.exec(tested.output);
      if (tested.code !== 0 && failed !== null) return { caughtBy: failed[1] ?? "a test" };
      if (tested.code !== 0) return { missed: tested.output.slice(-400) };
    }
    return { missed: "nothing failed" };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function judge(mutant: Mutant): Promise<boolean> {
  const verdict = await verdictOf(mutant);
  const caught = "caughtBy" in verdict;
  print(`${caught ? "caught" : "MISSED"}  ${mutant.name}: ${caught ? verdict.caughtBy : verdict.missed}`);
  return caught;
}

async function main(): Promise<number> {
  const unbroken = {
    name: "the unbroken tree",
    patches: [],
    tests: [...new Set(mutants.flatMap(({ tests }) => tests))],
  };
  const clean = await verdictOf(unbroken);
  if ("caughtBy" in clean || clean.missed !== "nothing failed") {
    print(`the unbroken tree does not pass: ${JSON.stringify(clean)}`);
    return 1;
  }
  const chosen = mutants.filter(({ name }) => values.only.split(",").some((text) => name.includes(text)));
  const next = chosen.values();
  let caught = 0;
  const lane = async (): Promise<void> => {
    for (const mutant of next) if (await judge(mutant)) caught++;
  };
  await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
  print(`${caught} of ${chosen.length} caught`);
  return caught === chosen.length ? 0 : 1;
}

process.exitCode = await main();
