/**
 * Asking the homes of foreign rows: in bulk, a few at a time, in the order that domain/claim.ts prescribes.
 *
 * A home that does not answer leaves its rows `unreached`; asking again later is asking the same.
 */
import { type HomeAnswer, undatedHomeIndex } from "../../domain/claim.ts";
import type { PlanReply } from "../../domain/enrol.ts";
import { fingerprintBytes } from "../../domain/fingerprint.ts";
import { type Hour, hourOfNumber } from "../../domain/hour.ts";
import type { HolderName } from "../../domain/ids.ts";
import { claimRowsMax, receiptParallelismMax } from "../../domain/limits.ts";
import type { ClaimMessage, ClaimReply, HomeAddress } from "../../domain/messages.ts";
import { type PackedRows, claims } from "../../domain/packed-rows.ts";
import { type Plan, homeIndex, protocolVersion } from "../../domain/plan.ts";
import { inParallel } from "../../platform/parallel.ts";

/** How homes are reached. Both throw if nobody answers. */
export interface HomesDeps {
  homePlan(hour: Hour, proposed: Plan): Promise<PlanReply>;
  claim(home: HomeAddress, message: ClaimMessage): Promise<ClaimReply>;
}

/** One foreign row, and what its homes have said so far, in the order they were asked. */
export interface AskedRow {
  readonly rows: PackedRows;
  readonly row: number;
  readonly answers: { readonly home: HomeAddress; readonly answer: HomeAnswer }[];
}

/** Asks every home of every row. `plan`: what is proposed for hours that have none yet. */
export async function askHomes(
  asked: readonly AskedRow[],
  owner: HolderName,
  plan: Plan,
  deps: HomesDeps,
): Promise<void> {
  const dated = asked.filter(({ rows, row }) => (rows.claims(row) & claims.dated) !== 0);
  const byHour = Map.groupBy(dated, ({ rows, row }) => rows.homeHourNumber(row));
  await inParallel(byHour, receiptParallelismMax, async ([hourNumber, ofHour]) => {
    await askDated(hourOfNumber(hourNumber), ofHour, owner, plan, deps);
  });
  const undated = asked.filter(
    ({ rows, row, answers }) =>
      (rows.claims(row) & claims.undated) !== 0 && !answers.some(({ answer }) => stops(answer)),
  );
  const byIndex = Map.groupBy(undated, ({ rows, row }) =>
    undatedHomeIndex(rows.bytes, rows.fingerprintAt(row)),
  );
  await inParallel(byIndex, receiptParallelismMax, async ([index, ofHome]) => {
    await askHome({ kind: "undated", index }, ofHome, owner, plan, deps);
  });
}

/** After these a row's next home is not asked. */
function stops(answer: HomeAnswer): boolean {
  return answer === "denied" || answer === "unreached";
}

async function askDated(
  hour: Hour,
  asked: readonly AskedRow[],
  owner: HolderName,
  proposed: Plan,
  deps: HomesDeps,
): Promise<void> {
  let reply: PlanReply;
  try {
    reply = await deps.homePlan(hour, proposed);
  } catch {
    answerAll(asked, { kind: "dated", hour, index: homeIndex(0, proposed) }, "unreached");
    return;
  }
  if (!reply.known) {
    answerAll(asked, { kind: "dated", hour, index: homeIndex(0, proposed) }, "forgotten");
    return;
  }
  const { plan } = reply;
  const byIndex = Map.groupBy(asked, ({ rows, row }) => homeIndex(rows.hash(row, plan.partitionBy), plan));
  for (const [index, ofHome] of byIndex)
    await askHome({ kind: "dated", hour, index }, ofHome, owner, plan, deps);
}

async function askHome(
  home: HomeAddress,
  asked: readonly AskedRow[],
  owner: HolderName,
  plan: Plan,
  deps: HomesDeps,
): Promise<void> {
  for (let from = 0; from < asked.length; from += claimRowsMax) {
    const some = asked.slice(from, from + claimRowsMax);
    const message = {
      protocol: protocolVersion,
      owner,
      fingerprints: packedFingerprints(some),
      windowMs: plan.windowMs,
    };
    try {
      const reply = await deps.claim(home, message);
      if (!reply.decided) answerAll(some, home, reply.why === "forgotten" ? "forgotten" : "unreached");
      else {
        some.forEach(({ answers }, at) => {
          answers.push({ home, answer: reply.granted[at] === 1 ? "granted" : "denied" });
        });
      }
    } catch {
      answerAll(some, home, "unreached");
    }
  }
}

function answerAll(asked: readonly AskedRow[], home: HomeAddress, answer: HomeAnswer): void {
  for (const { answers } of asked) answers.push({ home, answer });
}

/** The rows' fingerprints, one after the other. */
export function packedFingerprints(some: readonly Pick<AskedRow, "rows" | "row">[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(some.length * fingerprintBytes);
  some.forEach(({ rows, row }, at) => {
    const from = rows.fingerprintAt(row);
    packed.set(rows.bytes.subarray(from, from + fingerprintBytes), at * fingerprintBytes);
  });
  return packed;
}
