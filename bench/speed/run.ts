/**
 * One workload: every target in turn, again and again, so that what else the machine does meets all of them alike; then
 * the proof that Hourseal kept everything that it acknowledged.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { epochMs } from "../../domain/hour.ts";
import { generatorCore, pin, serverCore, startNode } from "./cores.ts";
import { type Order, Sending } from "./generator-messages.ts";
import { type MeasuredSystem, faultsOf } from "./hourseal.ts";
import { type Target, type TargetName, type Targets, startTargets } from "./targets.ts";
import type { Workload } from "./workloads.ts";

export interface RunOptions {
  readonly rounds: number;
  readonly measureMs: number;
  /** The server on one core and the generator on another. */
  readonly pinned: boolean;
  /** Another checkout to measure beside this one. */
  readonly against: string | null;
  readonly say: (line: string) => void;
}

export interface Round {
  readonly target: TargetName;
  readonly round: number;
  readonly sending: Sending;
}

export interface WorkloadResult {
  readonly workload: Workload;
  readonly rounds: readonly Round[];
  /** Why the run does not count: something was lost, surplus, or not answered as it should be. */
  readonly faults: readonly string[];
}

/** Before the first round the runtimes compile what is hot; before the others caches come back. */
const firstWarmMs = 1_000;
const warmMs = 400;

export async function runWorkload(workload: Workload, options: RunOptions): Promise<WorkloadResult> {
  const dir = mkdtempSync(join(tmpdir(), "hourseal-bench-"));
  const generator = startNode(
    join(import.meta.dirname, "generator.ts"),
    [],
    options.pinned ? generatorCore : null,
  );
  try {
    const { pinned, against } = options;
    const targets = await startTargets({ dir, core: pinned ? serverCore : null, against });
    try {
      return await rounds(workload, options, targets, generator);
    } finally {
      await targets.stop();
    }
  } finally {
    generator.disconnect();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function rounds(
  workload: Workload,
  { rounds: count, measureMs, pinned, say }: RunOptions,
  targets: Targets,
  generator: ChildProcess,
): Promise<WorkloadResult> {
  if (pinned) for (const pid of targets.all.flatMap(({ pids }) => pids)) pin(pid, serverCore);
  const done: Round[] = [];
  const faults: string[] = [];
  for (let round = 1; round <= count; round++) {
    let types: string[] = [];
    for (const system of targets.systems.values()) types = await system.streamsOf(workload, round);
    for (const target of inTurn(targets.all, round)) {
      const sending = await send(generator, {
        port: target.port,
        ...target.requestOf(round),
        workload: workload.name,
        types,
        name: `r${round}`,
        atMs: epochMs(Date.now()),
        warmMs: round === 1 ? firstWarmMs : warmMs,
        measureMs,
        pids: [...target.pids],
      });
      done.push({ target: target.name, round, sending });
      faults.push(...sending.failed.map((failure) => `${target.name}, round ${round}: ${failure}`));
      say(lineOf(workload, target, round, sending));
    }
  }
  for (const [name, system] of targets.systems) {
    const own = done.filter(({ target }) => target === name);
    const lost = await lostBy(system, workload, own);
    faults.push(...lost.map((fault) => `${name}, ${fault}`));
  }
  return { workload, rounds: done, faults };
}

/** What of these rounds is not in the sealed parts as it should be. */
async function lostBy(system: MeasuredSystem, workload: Workload, done: readonly Round[]): Promise<string[]> {
  await system.settle();
  const faults: string[] = [];
  for (const { round, sending } of done) {
    const { sent, accepted } = sending;
    const types = await system.streamsOf(workload, round);
    const sealed = await system.sealedIds(types, `r${round}`);
    faults.push(...faultsOf(workload, sent, sealed).map((fault) => `round ${round}: ${fault}`));
    if (accepted !== sealed.rows) {
      faults.push(
        `round ${round}: ${accepted} events were answered accepted, ${sealed.rows} rows are sealed`,
      );
    }
  }
  return faults;
}

/** Another one begins in each round. */
function inTurn(all: readonly Target[], round: number): Target[] {
  return all.map((_, at) => all[(at + round) % all.length]).filter((target) => target !== undefined);
}

async function send(generator: ChildProcess, order: Order): Promise<Sending> {
  const over = new AbortController();
  const { signal } = over;
  try {
    generator.send(order);
    const gone = once(generator, "exit", { signal }).then(() => {
      throw new Error("the generator has ended");
    });
    const [sending] = (await Promise.race([once(generator, "message", { signal }), gone])) as unknown[];
    return Sending.parse(sending);
  } finally {
    over.abort();
  }
}

function lineOf(
  { name, eventsPerRequest }: Workload,
  target: Target,
  round: number,
  sending: Sending,
): string {
  const { requests, seconds, p50, cpuMs } = sending;
  const rate = requests / seconds;
  const events = Math.round(rate * eventsPerRequest).toLocaleString("en");
  const cpu = cpuMs === null || requests === 0 ? "" : `, ${((cpuMs * 1_000) / requests).toFixed(0)} µs CPU`;
  return `${name} ${target.name} ${round}: ${events} events/s, ${rate.toFixed(0)} requests/s, p50 ${p50.toFixed(2)} ms${cpu}`;
}
