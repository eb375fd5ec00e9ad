/**
 * Counting what is used of quotas, and telling the edges which are used up.
 *
 *   1. who has a quota, from the catalog; nobody: nothing is asked
 *   2. what the ledgers of the hour have counted for them
 *   3. noted in the catalog: the day is the sum of its hours
 *   4. decided by domain/quota.ts; if it is not what edges were told, written, and published with the snapshot
 *
 * Safe to stop after each step, and to run twice at once: counts only grow, and the decision is made of them anew each
 * time. A ledger that does not answer takes nothing away from what is known. Asked are the ledgers of one hour, or two:
 * nothing here grows with history.
 */
import { type EpochMs, type Hour } from "../../../domain/hour.ts";
import { EventType } from "../../../domain/ids.ts";
import { reportDeadlineMs } from "../../../domain/limits.ts";
import { type SpentQuota, hoursToCount, quotaName, spentQuota } from "../../../domain/quota.ts";
import {
  type HourUse,
  type OwnedQuota,
  noteUse,
  readQuotas,
  readUse,
  writeSpent,
} from "../../../platform/catalog/quotas.ts";
import { log } from "../../../platform/log.ts";
import { type SnapshotWriterEnv, repairSnapshot } from "../../../platform/snapshot.ts";
import { type LedgerNamespace, ledgerStubs } from "../../../platform/stubs.ts";
import { withDeadline } from "../../../platform/timer.ts";
import { hear } from "../audit/hear.ts";

export interface QuotaEnv extends SnapshotWriterEnv {
  readonly EDGE_LEDGER: LedgerNamespace;
}

/** Progress: quotas that edges are told something new of. */
export async function quotaDue(env: QuotaEnv, now: EpochMs): Promise<{ readonly progress: number }> {
  const { owned, spent: told } = await readQuotas(env.CATALOG);
  if (owned.length === 0 && told.length === 0) return { progress: 0 };
  const uses = await Promise.all(hoursToCount(now).map((hour) => usesOf(env.EDGE_LEDGER, owned, hour)));
  await noteUse(env.CATALOG, uses.flat(), now);
  const use = await readUse(env.CATALOG, now);
  const spent = owned.flatMap(
    (one) => spentQuota({ kind: one.kind, name: one.name }, one, use(one), now) ?? [],
  );
  const news = [...differing(spent, told)];
  if (news.length === 0) return { progress: 0 };
  await writeSpent(env.CATALOG, spent);
  for (const { one, event } of news) log("quota", event, { ...one });
  await repairSnapshot(env, now);
  return { progress: news.length };
}

function* differing(
  spent: readonly SpentQuota[],
  told: readonly SpentQuota[],
): Generator<{ readonly one: SpentQuota; readonly event: "used_up" | "renewed" }> {
  const text = (all: readonly SpentQuota[]) =>
    new Map(all.map((one) => [quotaName(one), JSON.stringify(one)]));
  const [now, before] = [text(spent), text(told)];
  for (const one of spent) {
    if (before.get(quotaName(one)) !== now.get(quotaName(one))) yield { one, event: "used_up" };
  }
  for (const one of told) if (!now.has(quotaName(one))) yield { one, event: "renewed" };
}

/** What the hour's ledgers count for those who have a quota; of those that answer. */
async function usesOf(
  ledgers: LedgerNamespace,
  owned: readonly OwnedQuota[],
  hour: Hour,
): Promise<readonly HourUse[]> {
  const streams = owned.filter(({ kind }) => kind === "stream").map(({ name }) => EventType.parse(name));
  const answers = await Promise.all(
    ledgerStubs(ledgers, hour).map((ledger) => hear(withDeadline(ledger.use(streams), reportDeadlineMs))),
  );
  const events = new Map<string, number>();
  const add = (name: string, count: number): void => {
    events.set(name, (events.get(name) ?? 0) + count);
  };
  answers.forEach((answer, slot) => {
    if (!answer.heard) {
      log("quota", "ledger_away", { hour, slot, error: answer.why });
      return;
    }
    streams.forEach((name, at) => {
      add(quotaName({ kind: "stream", name }), answer.value.streams[at] ?? 0);
    });
    for (const { id, accepted } of answer.value.keys) add(quotaName({ kind: "key", name: id }), accepted);
  });
  return owned.map(({ kind, name }) => ({
    kind,
    name,
    hour,
    events: events.get(quotaName({ kind, name })) ?? 0,
  }));
}
