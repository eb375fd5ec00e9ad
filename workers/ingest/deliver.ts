/**
 * Delivering the valid events of one request: route, group, append, and again for what was not decided.
 *
 * Protocol, per round and group of events with the same shard:
 *  1. note `sent` in the account (it goes out with the next report, at the same time as the append)
 *  2. append, with the plan that the group was routed by
 *  3. decided: note the outcome. Closed, other plan: route again. No answer, or no room: spill to an overflow shard of
 *     the arrival hour, as foreign rows; if the first append was committed after all, their claims are denied.
 * An event is answered `accepted` or `duplicate` only when its shard said so and the report with its `sent` is durable.
 */
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import type { AppendRefusal } from "../../domain/enrol.ts";
import { IdentitySum, fingerprintOf } from "../../domain/fingerprint.ts";
import { type EpochMs, isoOf } from "../../domain/hour.ts";
import type { AppendNo, EdgeId, ShardAddress } from "../../domain/ids.ts";
import { appendAttemptsMax, appendDeadlineMs } from "../../domain/limits.ts";
import type { AppendReply } from "../../domain/messages.ts";
import { type Row, claims as claimsAt, packRows } from "../../domain/packed-rows.ts";
import { type Plan, planFor, protocolVersion } from "../../domain/plan.ts";
import { type EventRefusal, unreachable } from "../../domain/refusal.ts";
import { homeOf, routeOf, spilled } from "../../domain/route.ts";
import { rowLine } from "../../domain/row-line.ts";
import type { Stream } from "../../domain/stream.ts";
import { type Tally, zeroTally } from "../../domain/tally.ts";
import { log } from "../../platform/log.ts";
import { randomFraction } from "../../platform/random.ts";
import { type LedgerNamespace, type ShardNamespace, isOverloaded, shardStub } from "../../platform/stubs.ts";
import { sleep, withDeadline } from "../../platform/timer.ts";
import { AccountOver } from "./edge-account.ts";
import type { EdgeMemory } from "./edge-memory.ts";

export interface DeliverEnv {
  readonly EVENT_SHARD: ShardNamespace;
  readonly EDGE_LEDGER: LedgerNamespace;
}

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
  | { readonly fate: "failed"; readonly why: "overloaded" | "unreachable" };

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

interface Group {
  readonly address: ShardAddress;
  readonly plan: Plan;
  readonly events: Routed[];
  readonly rows: Row[];
}

/** One fate per event, in order. */
export async function deliver(
  env: DeliverEnv,
  memory: EdgeMemory,
  deliverables: readonly Deliverable[],
  now: EpochMs,
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
    const answers = await Promise.all(
      groups.map(async (group) => ({ group, answer: await append(env, memory, group) })),
    );
    undecided = [];
    for (const { group, answer } of answers) {
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

function fateOf(answer: Answer, row: number, late: boolean): Fate {
  if (!answer.decided) {
    return { fate: "failed", why: answer.why === "overloaded" ? "overloaded" : "unreachable" };
  }
  return { fate: answer.acceptedRows[row] === 1 ? "accepted" : "duplicate", late };
}

function route(memory: EdgeMemory, events: readonly Routed[], now: EpochMs): Group[] {
  const groups = new Map<string, Group>();
  const receivedAt = isoOf(now);
  for (const routed of events) {
    const { event, stream } = routed.deliverable;
    const found = routeOf(event.timeMs, now, stream, (hour) => memory.closedHours.has(stream.type, hour));
    const { hour, homeHour, claims } = routed.spills === 0 ? found : spilled(found);
    routed.late = event.timeMs !== null && found.claims !== claimsAt.none;
    const plan = memory.correctedPlans.get(stream.type, hour) ?? planFor(stream, hour);
    const { address, hashes } = homeOf(event, hour, plan, routed.spills);
    const key = `${hour}/${address.index}/${stream.type}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { address, plan, events: [], rows: [] }));
    group.events.push(routed);
    group.rows.push({
      fingerprint: routed.fingerprint,
      hashes,
      homeHour,
      timeMs: event.timeMs,
      claims,
      line: rowLine(event.json, receivedAt, homeHour, stream.schemaVersion),
    });
  }
  return [...groups.values()];
}

/** A shard that did not take the rows is passed by. One whose rows were not reported is asked again: it has them. */
function spills(why: Undecided): boolean {
  return why === "overloaded" || why === "unreachable";
}

type Undecided = "rerouted" | "unreported" | "overloaded" | "unreachable";

/** What one append came to. Undecided groups are routed again: `rerouted` ones at once, the others after a pause. */
type Answer =
  | { readonly decided: true; readonly acceptedRows: Uint8Array }
  | { readonly decided: false; readonly why: Undecided };

async function append(env: DeliverEnv, memory: EdgeMemory, { address, plan, rows }: Group): Promise<Answer> {
  const account = memory.accounts.of(env.EDGE_LEDGER, address.hour);
  try {
    await account.opened();
    const tally = tallyOf(rows);
    const no = account.sent(address.type, address.index, tally);
    const [reply] = await Promise.all([send(env, address, account.edge, no, plan, rows), account.reported()]);
    // A copy of this append was there first. It stays unresolved; its rows come back as duplicates of the next one.
    if ("refused" in reply && reply.refused === "repeated") return { decided: false, why: "rerouted" };
    if ("refused" in reply) {
      account.outcome({ no, accepted: zeroTally, duplicate: zeroTally, refused: tally });
      return { decided: false, why: refusedAppend(memory, reply, address) };
    }
    const duplicate = tallyOf(rows.filter((_row, at) => reply.acceptedRows[at] === 0));
    account.outcome({ no, accepted: reply.accepted, duplicate, refused: zeroTally });
    return { decided: true, acceptedRows: reply.acceptedRows };
  } catch (error) {
    const { type, hour, index } = address;
    log("edge", "append_unresolved", { type, hour, index, error: String(error) });
    if (error instanceof AccountOver) return { decided: false, why: "unreported" };
    return { decided: false, why: isOverloaded(error) ? "overloaded" : "unreachable" };
  }
}

function send(
  env: DeliverEnv,
  address: ShardAddress,
  edge: EdgeId,
  no: AppendNo,
  plan: Plan,
  rows: readonly Row[],
): Promise<AppendReply> {
  const message = { protocol: protocolVersion, edge, no, plan, rows: packRows(rows) };
  return withDeadline(shardStub(env.EVENT_SHARD, address).append(message), appendDeadlineMs);
}

/** What a refused append means for its events. */
function refusedAppend(
  memory: EdgeMemory,
  refusal: AppendRefusal,
  { type, hour, index }: ShardAddress,
): Undecided {
  switch (refusal.refused) {
    case "closed":
      memory.closedHours.add(type, hour);
      return "rerouted";
    case "wrong_plan":
      memory.correctedPlans.set(type, hour, refusal.plan);
      return "rerouted";
    case "full":
    case "overloaded":
      return "overloaded";
    case "repeated":
      return "rerouted";
    case "too_early":
    case "unknown_protocol":
    case "malformed":
      log("edge", "append_refused", { type, hour, index, refusal });
      return "unreachable";
    default:
      return unreachable(refusal);
  }
}

function tallyOf(rows: readonly Row[]): Tally {
  const sum = new IdentitySum();
  for (const row of rows) sum.addFingerprint(row.fingerprint);
  return { rows: rows.length, sum: sum.hex() };
}
