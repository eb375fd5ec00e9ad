/** One client: makes events in bursts, sends them in groups of any kind, and does not rest until it has an answer. */
import { hourOf, epochMs } from "../../domain/hour.ts";
import type { Edge } from "./edge.ts";
import { type SentEvent, makeEvent } from "./events.ts";
import type { HostDeps } from "./host.ts";
import { lasting } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import type { WorldSettings } from "./settings.ts";

export class Client {
  readonly #party: ReturnType<typeof lasting>;
  readonly #deps: HostDeps;
  readonly #world: WorldSettings;
  readonly #edges: readonly Edge[];
  readonly #oracle: Oracle;
  readonly #pending = new Set<SentEvent>();
  readonly #answered: SentEvent[] = [];
  #scheduled = false;
  /** The edge that each event was sent to last. */
  readonly #through = new Map<SentEvent, Edge>();

  constructor(name: string, deps: HostDeps, world: WorldSettings, edges: readonly Edge[], oracle: Oracle) {
    this.#party = lasting(name);
    this.#deps = deps;
    this.#world = world;
    this.#edges = edges;
    this.#oracle = oracle;
  }

  get done(): boolean {
    return this.#pending.size === 0;
  }

  /** Makes events with these numbers and begins to send. */
  burst(numbers: readonly number[]): void {
    const { random, scheduler } = this.#deps;
    for (const no of numbers) {
      const sent = makeEvent(random, this.#world, no, scheduler.nowMs);
      this.#oracle.made(sent);
      this.#pending.add(sent);
    }
    this.#round();
  }

  /** Sends some of what it was answered for once more, in a time in which nobody need remember it. */
  resend(): void {
    for (const sent of this.#deps.random.some(this.#answered, 0.3)) this.#pending.add(sent);
    this.#round();
  }

  /** Sends what waits, in one request or several, beside each other and perhaps one event in two of them. */
  #round(): void {
    const { random, scheduler, trace } = this.#deps;
    const again = scheduler.nowMs < this.#world.eventsUntilMs ? random.some(this.#answered, 0.1) : [];
    for (const _ of again) trace.reach("resent_after_answer");
    const waiting = random.shuffled([...this.#pending, ...again]);
    while (waiting.length > 0) {
      const group = waiting.splice(0, random.between(1, 8));
      const twice = random.chance(0.2);
      void this.#send(group);
      if (twice) void this.#send(random.some(group, 0.6));
    }
  }

  async #send(events: readonly SentEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { random, scheduler, network, trace } = this.#deps;
    const edge = random.pick(this.#edges);
    for (const sent of events) {
      const before = this.#through.get(sent);
      if (before !== undefined && before !== edge) trace.reach("client_retry");
      this.#through.set(sent, edge);
    }
    // A burst is not one instant: some groups follow in moments.
    if (random.chance(0.5)) await scheduler.sleep(random.between(0, 40));
    const ids = events.map(({ event }) => event.id).join(" ");
    try {
      const call = network.call(this.#party, `${edge.name}.post ${ids}`, () => edge.post(events));
      const fates = await Promise.race([call, this.#patience()]);
      const told = fates.map(({ fate }) => fate.slice(0, 3)).join(" ");
      trace.note(`${this.#party.name} was told: ${ids} → ${told}`);
      events.forEach((sent, at) => {
        const fate = fates[at];
        if (fate === undefined || fate.fate === "failed") return;
        if (fate.fate === "refused" || fate.fate === "quarantined")
          trace.violate("accounted", `${sent.event.json} was ${fate.fate}`);
        else {
          if (fate.late) trace.reach("late");
          this.#taken(sent);
        }
        this.#pending.delete(sent);
      });
    } catch {
      // Not known: it stays among those that wait.
    }
    this.#again();
  }

  /** One more round for whatever waits, however many requests failed. */
  #again(): void {
    if (this.#scheduled || this.#pending.size === 0) return;
    this.#scheduled = true;
    const { random, scheduler } = this.#deps;
    scheduler.after(random.delayMs(8_000, 900_000, 0.1), () => {
      this.#scheduled = false;
      this.#round();
    });
  }

  async #patience(): Promise<never> {
    await this.#deps.scheduler.sleep(this.#deps.random.between(2_000, 90_000));
    throw new Error("the client gave up waiting");
  }

  #taken(sent: SentEvent): void {
    const { scheduler, trace } = this.#deps;
    if (this.#pending.has(sent) && !this.#answered.includes(sent)) this.#answered.push(sent);
    const { timeMs } = sent.event;
    if (timeMs !== null && hourOf(timeMs) < hourOf(epochMs(scheduler.nowMs))) trace.reach("hour_boundary");
  }
}
