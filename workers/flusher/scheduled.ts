/**
 * The cron entry: repair the snapshot, count what is used of quotas, seal what is due, audit what is sealed, tell of what is wrong, record what expires,
 * list the verdicts in a digest, delete the parts of what has expired, plan the shards of the coming hours, add to the
 * counters; each on its own, so that one that fails leaves the others running. Seals, audits and plans each have their
 * time; what is left waits for the next minute.
 */
import type { EpochMs } from "../../domain/hour.ts";
import {
  cronBudgetMs,
  expireRoundsMax,
  planBudgetMs,
  roundsPerRunMax,
  sealBudgetMs,
} from "../../domain/limits.ts";
import { systemMs } from "../../platform/clock.ts";
import { log } from "../../platform/log.ts";
import { noteOutcome } from "../../platform/span.ts";
import { r2Objects } from "../../platform/objects.ts";
import { type SnapshotEnv, repairSnapshot } from "../../platform/snapshot.ts";
import { planDue } from "./plan/plan-due.ts";
import { type AlertEnv, alertDue } from "./alert/alert-due.ts";
import { type AuditDueEnv, auditDue } from "./audit/audit-due.ts";
import { writeDigests } from "./audit/write-digests.ts";
import { deleteExpired, expireDue } from "./expire/expire-due.ts";
import { foldLedgerHours } from "./metrics/fold-ledgers.ts";
import { type QuotaEnv, quotaDue } from "./quota/quota-due.ts";
import { type SealEnv, sealDue } from "./seal/seal-due.ts";

export type FlusherEnv = SealEnv & AuditDueEnv & SnapshotEnv & AlertEnv & QuotaEnv;

export async function runFlusher(env: FlusherEnv, now: EpochMs): Promise<void> {
  const startedMs = systemMs();
  const past = (budgetMs: number) => (): boolean => systemMs() - startedMs > budgetMs;
  const timeIsUp = past(cronBudgetMs);
  const sealTimeIsUp = past(sealBudgetMs);
  await step("repair_snapshot", async () => {
    await repairSnapshot(env, now);
    return { progress: 0 };
  });
  await step("quota_due", () => quotaDue(env, now));
  await rounds("seal_due", sealTimeIsUp, () => sealDue(env, now, sealTimeIsUp));
  await rounds("audit_due", timeIsUp, () => auditDue(env, now, timeIsUp));
  await step("alert_due", () => alertDue(env, now));
  await rounds("expire_due", timeIsUp, () => expireDue(env, now), expireRoundsMax);
  await step("write_digests", () => writeDigests(env.CATALOG, r2Objects(env.EVENTS), now));
  await rounds("delete_expired", timeIsUp, () => deleteExpired(env, now, timeIsUp), expireRoundsMax);
  await rounds("plan_due", past(cronBudgetMs + planBudgetMs), () => planDue(env, now));
  await step("fold_ledgers", () => foldLedgerHours(env, now));
}

/** What a round moved forward; 0: nothing is left, or nothing moves just now. */
interface Progress {
  readonly progress: number;
}

async function rounds(
  name: string,
  timeIsUp: () => boolean,
  round: () => Promise<Progress>,
  roundsMax = roundsPerRunMax,
): Promise<void> {
  for (let no = 0; no < roundsMax && !timeIsUp(); no++) {
    const { progress } = await step(name, round);
    if (progress === 0) return;
  }
}

async function step(name: string, work: () => Promise<Progress>): Promise<Progress> {
  try {
    const counts = await work();
    if (counts.progress > 0) log("flusher", name, { ...counts });
    return counts;
  } catch (error) {
    log("flusher", `${name}_failed`, { error: String(error) });
    noteOutcome("failed", { [name]: "failed" });
    return { progress: 0 };
  }
}
