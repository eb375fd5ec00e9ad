/**
 * The generator: sends the requests of one order at a time, and tells what was answered.
 *
 * Every request that it sends it waits for, so that afterwards it is known of each event whether it was acknowledged.
 * A process of its own, so that it can run on another core than the server.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf } from "../cost/process.ts";
import { Bodies } from "./bodies.ts";
import { type Answer, Connection } from "./connection.ts";
import { Order, type Sending } from "./generator-messages.ts";
import { workloads } from "./workloads.ts";

/** Failures that are told in words; the rest is counted by its absence from the totals. */
const failuresTold = 5;

/** How long answers are waited for after the last request. */
const drainMs = 30_000;

class Load {
  readonly #order: Order;
  readonly #bodies: Bodies;
  readonly #pause: number | null;
  readonly #latencies: number[] = [];
  readonly #failed: string[] = [];
  #next = 0;
  #answered = 0;
  #inWindow = 0;
  #accepted = 0;
  #duplicates = 0;
  #beginsAt = 0;
  #endsAt = 0;

  constructor(order: Order) {
    const workload = workloads.find(({ name }) => name === order.workload);
    if (workload === undefined) throw new RangeError(`no workload ${order.workload}`);
    this.#order = order;
    this.#bodies = new Bodies({ ...order, workload });
    this.#pause = workload.requestsPerSecond === null ? null : 1_000 / workload.requestsPerSecond;
  }

  async run(concurrency: number): Promise<Sending> {
    const { port, warmMs, measureMs, pids } = this.#order;
    const connections = await Promise.all(Array.from({ length: concurrency }, () => Connection.open(port)));
    this.#beginsAt = performance.now() + warmMs;
    this.#endsAt = this.#beginsAt + measureMs;
    if (this.#pause === null) for (const connection of connections) this.#goOn(connection);
    else void this.#paced(connections, this.#pause);
    await sleep(warmMs);
    const cpuBefore = cpuMsOf(pids);
    await sleep(this.#endsAt - performance.now());
    const cpuAfter = cpuMsOf(pids);
    for (const until = performance.now() + drainMs; this.#answered < this.#next;) {
      if (performance.now() > until)
        throw new Error(`${this.#next - this.#answered} requests have no answer`);
      await sleep(5);
    }
    for (const connection of connections) connection.close();
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return {
      sent: this.#next,
      failed: this.#failed,
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      requests: this.#inWindow,
      seconds: measureMs / 1_000,
      cpuMs: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
    };
  }

  /** Sends again and again on this connection until the time is over, or the connection is: what failed is in the result. */
  #goOn(connection: Connection): void {
    const now = performance.now();
    if (now >= this.#endsAt || connection.ended) return;
    this.#send(connection, now, () => {
      this.#goOn(connection);
    });
  }

  /** Sends at a fixed rate; the latency of a request that found no idle connection counts from when it was due. */
  async #paced(connections: readonly Connection[], pause: number): Promise<void> {
    const startedAt = performance.now();
    for (let no = 0; ; no++) {
      const dueAt = startedAt + no * pause;
      if (dueAt >= this.#endsAt) return;
      while (performance.now() < dueAt) await sleep(1);
      let idle = connections.find((connection) => connection.idle);
      while (idle === undefined) {
        await sleep(1);
        idle = connections.find((connection) => connection.idle);
      }
      this.#send(idle, dueAt, () => undefined);
    }
  }

  #send(connection: Connection, dueAt: number, then: () => void): void {
    connection.send(this.#bodies.request(this.#next++), (answer) => {
      const now = performance.now();
      this.#answered++;
      if (now >= this.#beginsAt && now < this.#endsAt) this.#inWindow++;
      if (dueAt >= this.#beginsAt) this.#latencies.push(now - dueAt);
      this.#note(answer);
      then();
    });
  }

  #note(answer: Answer | null): void {
    if (answer?.status === 200 || answer?.status === 204) {
      this.#accepted += countIn(answer.body, '"accepted":');
      this.#duplicates += countIn(answer.body, '"duplicates":');
    } else if (this.#failed.length < failuresTold) {
      this.#failed.push(answer === null ? "no answer" : `${answer.status} ${answer.body.slice(0, 300)}`);
    }
  }
}

function countIn(body: string, name: string): number {
  const at = body.indexOf(name);
  return at < 0 ? 0 : Number.parseInt(body.slice(at + name.length), 10);
}

process.on("message", (message) => {
  const order = Order.parse(message);
  const concurrency = workloads.find(({ name }) => name === order.workload)?.concurrency ?? 1;
  new Load(order).run(concurrency).then(
    (sending) => process.send?.(sending),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
