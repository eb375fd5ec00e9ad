/** Plays many seeds, and says what came of it. */
import { type Order, orders } from "./orders.ts";
import { simulate } from "./simulate.ts";

/** From this many runs on, every order must have been reached. */
export const coverageRuns = 1_000;
/** Lines of a failing trace that are printed without `--trace`. */
const tailLines = 80;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The exit code. */
export async function runSeeds(
  seed: number,
  runs: number,
  { trace, quiet }: { readonly trace: boolean; readonly quiet: boolean },
): Promise<number> {
  const began = performance.now();
  const reached = new Map<Order, number>();
  let steps = 0;
  let hashes = "";
  for (let no = seed; no < seed + runs; no++) {
    const result = await simulate(no);
    steps += result.steps;
    hashes = runs === 1 ? result.hash : `${hashes}${result.hash.slice(0, 4)}`.slice(-16);
    for (const [order, count] of result.reached) reached.set(order, (reached.get(order) ?? 0) + count);
    if (trace) for (const line of result.lines()) print(line);
    if (result.violation === null) continue;
    const lines = result.lines();
    if (!trace) for (const line of [lines[0] ?? "", ...lines.slice(1).slice(-tailLines)]) print(line);
    print(`seed ${no} violates: ${result.violation.guarantee}: ${result.violation.detail}`);
    print(`again, with the whole trace: npm run sim -- --seed ${no} --runs 1 --trace`);
    return 1;
  }
  const seconds = (performance.now() - began) / 1_000;
  const missed: string[] = [];
  for (const [order, meaning] of Object.entries(orders)) {
    const count = reached.get(order as Order) ?? 0;
    if (!quiet) print(`${String(count).padStart(9)}  ${meaning}`);
    if (count === 0) missed.push(order);
  }
  const rate = Math.round(runs / seconds);
  print(
    `${runs} runs from seed ${seed}, ${steps} steps, ${seconds.toFixed(1)} s, ${rate} runs/s, hash ${hashes}`,
  );
  if (missed.length > 0) print(`not reached: ${missed.join(", ")}`);
  return missed.length > 0 && runs >= coverageRuns ? 1 : 0;
}
