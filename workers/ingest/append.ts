/**
 * One append: rows to a shard, noted in the account before and after.
 *
 * Promises: `decided` only when the shard said so and the report with the append's `sent` is durable. Never throws: an
 * append whose outcome is unknown is undecided, and stays unresolved in the account for the auditor to look up.
 */
import type { AppendRefusal } from "../../domain/enrol.ts";
import { IdentitySum } from "../../domain/fingerprint.ts";
import type { AppendNo, EdgeId, ShardAddress } from "../../domain/ids.ts";
import { appendDeadlineMs } from "../../domain/limits.ts";
import type { AppendReply } from "../../domain/messages.ts";
import { type Row, packRows } from "../../domain/packed-rows.ts";
import { type Plan, protocolVersion } from "../../domain/plan.ts";
import { unreachable } from "../../domain/refusal.ts";
import { type Tally, zeroTally } from "../../domain/tally.ts";
import { currentSpan } from "../../platform/current-span.ts";
import { log } from "../../platform/log.ts";
import { carried } from "../../platform/span.ts";
import { type LedgerNamespace, type ShardNamespace, isOverloaded, shardStub } from "../../platform/stubs.ts";
import { withDeadline } from "../../platform/timer.ts";
import { AccountOver } from "./edge-account.ts";
import type { EdgeMemory } from "./edge-memory.ts";

export interface AppendEnv {
  readonly EVENT_SHARD: ShardNamespace;
  readonly EDGE_LEDGER: LedgerNamespace;
}

/** Rows for one shard, routed by one plan. */
export interface ShardRows {
  readonly address: ShardAddress;
  readonly plan: Plan;
  readonly rows: readonly Row[];
}

/** Those of one request. */
export interface RoutedRows extends ShardRows {
  /** What the rows take in an append's message. */
  readonly bytes: number;
}

export type Undecided = "rerouted" | "unreported" | "overloaded" | "unreachable";

/** What one append came to. Undecided rows are routed again: `rerouted` ones at once, the others after a pause. */
export type Answer = (
  | { readonly decided: true; readonly acceptedRows: Uint8Array }
  | { readonly decided: false; readonly why: Undecided }
) & {
  /** The trace of the request that sent the rows, for the log. */
  readonly sentBy?: string;
};

export async function append(
  env: AppendEnv,
  memory: Pick<EdgeMemory, "accounts" | "closedHours" | "correctedPlans">,
  routed: ShardRows,
): Promise<Answer> {
  const span = currentSpan();
  const answer = await appendOnce(env, memory, routed);
  return span === null ? answer : { ...answer, sentBy: span.traceId };
}

async function appendOnce(
  env: AppendEnv,
  memory: Pick<EdgeMemory, "accounts" | "closedHours" | "correctedPlans">,
  { address, plan, rows }: ShardRows,
): Promise<Answer> {
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

const encoder = new TextEncoder();

function encodeInto(text: string, to: Uint8Array): { readonly read: number } {
  return encoder.encodeInto(text, to);
}

function send(
  env: AppendEnv,
  address: ShardAddress,
  edge: EdgeId,
  no: AppendNo,
  plan: Plan,
  rows: readonly Row[],
): Promise<AppendReply> {
  const message = {
    protocol: protocolVersion,
    edge,
    no,
    plan,
    rows: packRows(rows, encodeInto),
    ...carried(),
  };
  return withDeadline(shardStub(env.EVENT_SHARD, address).append(message), appendDeadlineMs);
}

/** What a refused append means for its events. */
function refusedAppend(
  memory: Pick<EdgeMemory, "closedHours" | "correctedPlans">,
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
