/**
 * Delivering the valid events of one request: route, group, append, and again for what was not decided.
 *
 * Protocol, per round and group of events with the same shard; groups of several requests go as one append when others
 * are under way, see append-lanes.ts:
 *  1. note `sent` in the account (it goes out with the next report, at the same time as the append)
 *  2. append, with the plan that the group was routed by
 *  3. decided: note the outcome. Closed, other plan: route again. No answer, or no room: spill to an overflow shard of
 *     the arrival hour, as foreign rows; if the first append was committed after all, their claims are denied.
 * An event is answered `accepted` or `duplicate` only when its shard said so and the report with its `sent` is durable.
 */
import { isForNow } from "../../domain/drain.ts";
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import { fingerprintOf } from "../../domain/fingerprint.ts";
import { type EpochMs, type Hour, isoOf } from "../../domain/hour.ts";
import { type ShardAddress, shardName } from "../../domain/ids.ts";
import { appendAttemptsMax, laneBytesMax, laneDeadlineMs } from "../../domain/limits.ts";
import { type Row, claims as claimsAt, headerBytes } from "../../domain/packed-rows.ts";
import { type Plan, planFor } from "../../domain/plan.ts";
import type { EventRefusal } from "../../domain/refusal.ts";
import { homeOf, routeOf, spilled } from "../../domain/route.ts";
import { rowLine } from "../../domain/row-line.ts";
import type { Stream } from "../../domain/stream.ts";
import { randomFraction } from "../../platform/random.ts";
import { Deadline, sleep } from "../../platform/timer.ts";
import { type Answer, type AppendEnv, type RoutedRows, type Undecided, append } from "./append.ts";
import type { EdgeMemory } from "./edge-memory.ts";
import type { AppendNote } from "./request-line.ts";

export type DeliverEnv = AppendEnv;

/** A valid event, with the stream it belongs to. */
export interface Deliverable {
  readonly event: AdmissibleEvent;
  readonly stream: Stream;
}

export type Fate =
  /** `late`: its own hour is no longer open, or not yet; it is delivered in the arrival hour's bucket. */
  | { readonly fate: "accepted" | "duplicate"; readonly late: boolean }
  | { readonly fate: "refused"; readonly refusal: EventRefusal }
  /** Its own stream does not take it; it is in quarantine, `new` or since before. */
  | { readonly fate: "quarantined"; readonly refusal: EventRefusal; readonly new: boolean }
  /** Not known to be durable. Sending it again is safe. */
  | { readonly fate: "failed"; readonly why: "overloaded" | "unreachable" }
  /** Over a rate, and not sent anywhere. */
  | { readonly fate: "failed"; readonly why: "rate"; readonly rate: string; readonly retryAfterMs: number };

/** Refused for now alone: its stream is drained. */
export function isDrained(fate: Fate): boolean {
  return fate.fate === "refused" && isForNow(fate.refusal.code);
}

/** First delay before a round that follows an unanswered append; doubles each round. */
const retryDelayMs = 50;

interface Routed {
  readonly position: number;
  readonly deliverable: Deliverable;
  readonly fingerprint: Uint8Array;
  /** How often its shard did not take it. From the first time on it goes to an overflow shard. */
  spills: number;
  late: boolean;
}

interface Group extends RoutedRows {
  readonly events: Routed[];
  readonly rows: Row[];
  bytes: number;
}

/** One fate per event, in order. What its appends came to is added to `appends`. */
export async function deliver(
  env: DeliverEnv,
  memory: EdgeMemory,
  deliverables: readonly Deliverable[],
  now: EpochMs,
  appends: AppendNote[] = [],
): Promise<readonly Fate[]> {
  const fates = deliverables.map((): Fate => ({ fate: "failed", why: "unreachable" }));
  let undecided: Routed[] = deliverables.map((deliverable, position) => ({
    position,
    deliverable,
    fingerprint: fingerprintOf(deliverable.event),
    spills: 0,
    late: false,
  }));
  for (let attempt = 0; undecided.length > 0 && attempt < appendAttemptsMax; attempt++) {
    const groups = route(memory, undecided, now);
    const answers = await appendAll(env, memory, groups);
    undecided = [];
    for (const { group, answer } of answers) {
      const { address, rows } = group;
      const { sentBy } = answer;
      appends.push({
        ...address,
        rows: rows.length,
        came: answer.decided ? "decided" : answer.why,
        ...(sentBy === undefined ? {} : { sentBy }),
      });
      group.events.forEach((event, row) => {
        fates[event.position] = fateOf(answer, row, event.late);
        if (!answer.decided && spills(answer.why)) event.spills++;
      });
      if (!answer.decided) undecided.push(...group.events);
    }
    const pause = answers.some(({ answer }) => !answer.decided && answer.why !== "rerouted");
    if (pause) await sleep(retryDelayMs * 2 ** attempt * (0.5 + randomFraction()));
  }
  return fates;
}

/** Each group goes to its shard, together with what other requests have for it. */
async function appendAll(
  env: DeliverEnv,
  memory: EdgeMemory,
  groups: readonly Group[],
): Promise<{ readonly group: Group; readonly answer: Answer }[]> {
  const deadline = new Deadline(laneDeadlineMs);
  try {
    return await Promise.all(
      groups.map(async (group) => {
        const answer = await memory.lanes.append(group, deadline, (rows) => append(env, memory, rows));
        return { group, answer };
      }),
    );
  } finally {
    deadline.clear();
  }
}

function fateOf(answer: Answer, row: number, late: boolean): Fate {
  if (!answer.decided) {
    return { fate: "failed", why: answer.why === "overloaded" ? "overloaded" : "unreachable" };
  }
  return { fate: answer.acceptedRows[row] === 1 ? "accepted" : "duplicate", late };
}

/** Groups of rows with the same shard, none larger than what one append bears. */
function route(memory: EdgeMemory, events: readonly Routed[], now: EpochMs): Group[] {
  const groups = new Groups();
  const receivedAt = isoOf(now);
  let planned: { readonly stream: Stream; readonly hour: Hour; readonly plan: Plan } | undefined;
  for (const routed of events) {
    const { event, stream } = routed.deliverable;
    const found = routeOf(event.timeMs, now, stream, (hour) => memory.closedHours.has(stream.type, hour));
    const { hour, homeHour, claims } = routed.spills === 0 ? found : spilled(found);
    routed.late = event.timeMs !== null && found.claims !== claimsAt.none;
    // Most events go where the one before them goes: to look plan and group up for each took a quarter of delivering.
    if (planned?.stream !== stream || planned.hour !== hour) {
      const plan: Plan = memory.correctedPlans.get(stream.type, hour) ?? planFor(stream, hour);
      planned = { stream, hour, plan };
    }
    const { address, hashes } = homeOf(event, hour, planned.plan, routed.spills);
    const line = rowLine(event.json, receivedAt, homeHour, stream.schemaVersion);
    // What is added to the event is ASCII.
    const bytes = headerBytes + event.jsonBytes + line.length - event.json.length;
    const group = groups.withRoom(address, planned.plan, bytes);
    group.bytes += bytes;
    group.events.push(routed);
    group.rows.push({
      fingerprint: routed.fingerprint,
      hashes,
      homeHour,
      timeMs: event.timeMs,
      claims,
      line,
    });
  }
  return groups.all;
}

class Groups {
  readonly all: Group[] = [];
  /** The last one of each shard. */
  readonly #last = new Map<string, Group>();
  /** The last one that was asked for. */
  #latest: Group | undefined;

  /** The group for another row of this shard, of so many bytes. */
  withRoom(address: ShardAddress, plan: Plan, bytes: number): Group {
    let group = this.#lastOf(address);
    if (group === undefined || group.bytes + bytes > laneBytesMax) {
      group = { address, plan, events: [], rows: [], bytes: 0 };
      this.#last.set(shardName(address), group);
      this.all.push(group);
    }
    this.#latest = group;
    return group;
  }

  #lastOf(address: ShardAddress): Group | undefined {
    const latest = this.#latest;
    return latest !== undefined && sameShard(latest.address, address)
      ? latest
      : this.#last.get(shardName(address));
  }
}

function sameShard(a: ShardAddress, b: ShardAddress): boolean {
  return a.index === b.index && a.hour === b.hour && a.type === b.type;
}

/** A shard that did not take the rows is passed by. One whose rows were not reported is asked again: it has them. */
function spills(why: Undecided): boolean {
  return why === "overloaded" || why === "unreachable";
}
