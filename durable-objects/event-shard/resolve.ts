/**
 * Resolving foreign rows: what is granted becomes rows to deliver, what is denied is counted, and what could not be
 * asked in time moves to the next open bucket.
 *
 *  1. ask      the homes of the waiting rows, in bulk
 *  2. enrol    only if rows must move: with the bucket that takes them in, before it gets a row
 *  3. record   states, granted rows, moved rows: one transaction
 *
 * Safe to stop after each: a claim asked again by the same owner has the same answer; an enrolment without rows gives
 * an empty receipt; the transaction is all or nothing. A batch is recorded only when all of its rows have a state.
 */
import { rowStates, stateOf } from "../../domain/claim.ts";
import { BatchWriter, ForeignWriter } from "../../domain/commit.ts";
import { IdentitySum } from "../../domain/fingerprint.ts";
import type { Hour } from "../../domain/hour.ts";
import type { HolderName } from "../../domain/ids.ts";
import { unguardedLine } from "../../domain/row-line.ts";
import { claimBytes } from "../../domain/limits.ts";
import type { HomeAddress } from "../../domain/messages.ts";
import { PackedRows, type Row, packRows } from "../../domain/packed-rows.ts";
import type { Plan } from "../../domain/plan.ts";
import type { Tally } from "../../domain/tally.ts";
import { type AskedRow, type HomesDeps, askHomes, packedFingerprints } from "./homes.ts";
import type { AnswerOfHome, ResolvedForeign, ShardStore, WaitingForeign } from "./store.ts";

export interface ResolveDeps extends HomesDeps {
  /** Resolves when everything written so far is durable. */
  sync(): Promise<void>;
  /** Enrols this shard with the next bucket that is open, and names it; null: none takes it just now. */
  enrolLater(after: Hour, plan: Plan): Promise<Hour | null>;
}

export interface ResolveRequest {
  readonly hour: Hour;
  readonly owner: HolderName;
  readonly plan: Plan;
  /** True once the bucket no longer waits for homes that do not answer. */
  readonly mayMove: boolean;
}

/** True if no foreign row of the delivery is left unresolved. */
export async function resolveForeign(
  store: ShardStore,
  request: ResolveRequest,
  deps: ResolveDeps,
): Promise<boolean> {
  for (;;) {
    const waiting = store.unresolved(request.hour, claimBytes);
    if (waiting.length === 0) return true;
    // Only for rows that are durable: an identity that is owned by a row that a crash takes away is lost for good.
    await deps.sync();
    const asked = waiting.map((batch) => ({ batch, rows: askedRows(batch) }));
    await askHomes(
      asked.flatMap(({ rows }) => rows),
      request.owner,
      request.plan,
      deps,
    );
    const done = asked.filter(({ rows }) => rows.every((row) => state(row) !== rowStates.unresolved));
    const stuck = asked.filter((one) => !done.includes(one));
    if (stuck.length === 0) {
      record(store, request.hour, done, null);
      continue;
    }
    const to = request.mayMove ? await deps.enrolLater(request.hour, request.plan) : null;
    record(store, request.hour, to === null ? done : asked, to);
    if (to === null) return false;
  }
}

function askedRows({ rows }: WaitingForeign): AskedRow[] {
  return Array.from({ length: rows.count }, (_, row) => ({ rows, row, answers: [] }));
}

function state({ answers }: AskedRow): 0 | 1 | 2 | 3 {
  return stateOf(answers.map(({ answer }) => answer));
}

interface AskedBatch {
  readonly batch: WaitingForeign;
  readonly rows: readonly AskedRow[];
}

function record(store: ShardStore, hour: Hour, asked: readonly AskedBatch[], moveTo: Hour | null): void {
  const granted = new BatchWriter();
  const moving = new ForeignWriter();
  const resolved = asked.map(({ batch, rows }): ResolvedForeign => {
    const states = new Uint8Array(rows.length);
    const denied: AskedRow[] = [];
    const moved: AskedRow[] = [];
    let unguarded = 0;
    rows.forEach((row, at) => {
      const became = state(row);
      states[at] = became === rowStates.unresolved ? rowStates.moved : became;
      switch (became) {
        case rowStates.unresolved:
          moved.push(row);
          moving.add(row.rows, row.row);
          break;
        case rowStates.granted:
          granted.add(row.rows, row.row);
          break;
        case rowStates.denied:
          denied.push(row);
          break;
        case rowStates.unguarded: {
          unguarded++;
          granted.add(markedUnguarded(row), 0);
        }
      }
    });
    return { seq: batch.seq, states, denied: tallyOf(denied), moved: tallyOf(moved), unguarded };
  });
  const settled = asked.flatMap(({ rows }) => rows.filter((row) => state(row) !== rowStates.unresolved));
  const move = moveTo === null ? null : { to: moveTo, batches: moving.finish() };
  store.resolve(hour, resolved, granted.finish(), answersByHome(settled), move);
}

/** The row with `"unguarded":true` in its line: nobody can say any more whether it was delivered before. */
function markedUnguarded({ rows, row }: AskedRow): PackedRows {
  const at = rows.fingerprintAt(row);
  const timeMs = rows.timeMs(row);
  const line = new TextDecoder().decode(rows.line(row));
  const marked: Row = {
    fingerprint: rows.bytes.subarray(at, at + 16),
    hashes: { source: rows.hash(row, "source"), id: rows.hash(row, "id") },
    homeHour: rows.homeHour(row),
    timeMs: Number.isNaN(timeMs) ? null : (timeMs as Row["timeMs"]),
    claims: 0,
    line: unguardedLine(line),
  };
  const packed = PackedRows.read(packRows([marked]));
  if (packed === null) throw new Error("broken invariant: a row just packed cannot be read");
  return packed;
}

function answersByHome(settled: readonly AskedRow[]): AnswerOfHome[] {
  const byHome = new Map<string, { home: HomeAddress; granted: AskedRow[]; denied: AskedRow[] }>();
  for (const row of settled) {
    for (const { home, answer } of row.answers) {
      if (answer !== "granted" && answer !== "denied") continue;
      const key = JSON.stringify(home);
      const of = byHome.get(key) ?? { home, granted: [], denied: [] };
      of[answer].push(row);
      byHome.set(key, of);
    }
  }
  return [...byHome.values()].map(({ home, granted, denied }) => ({
    home,
    granted: tallyOf(granted),
    denied: packedFingerprints(denied),
  }));
}

function tallyOf(rows: readonly AskedRow[]): Tally {
  const sum = new IdentitySum();
  for (const { rows: packed, row } of rows) sum.addFingerprint(packed.bytes, packed.fingerprintAt(row));
  return { rows: rows.length, sum: sum.hex() };
}
