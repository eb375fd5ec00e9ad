/** Hours whose audit comes late: a cron that was away for longer than a window, or a clock that jumped over so many days. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { type EpochMs, endOf, epochMs, isoOf } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import {
  bucketsPerStreamPerRunMax,
  freezeRecheckMs,
  retireAfterWindowMs,
  unsettledMsMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import { awaitsAudit, recordVerdict, requeueAudit } from "../../platform/catalog/audits.ts";
import { getBucket } from "../../platform/catalog/buckets.ts";
import { recordSealed } from "../../platform/catalog/sealed.ts";
import { auditDue } from "../../workers/flusher/audit/audit-due.ts";
import { sealDue } from "../../workers/flusher/seal/seal-due.ts";
import { bucket, finding, sealed } from "./helpers.ts";
import { alarmOf, bucketOf, due, during, hourText, setClock, tablesOf, upTo } from "./helpers-objects.ts";
import { answer, eventOf, ledgersOf, newKey, post, register, report, settled } from "./helpers-system.ts";

afterEach(() => {
  vi.useRealTimers();
});

const dayMs = 86_400_000;

async function stream(name: string): Promise<BucketAddress> {
  const address = bucket(`late-audit/${name}`, hourText);
  setClock(during(address));
  await register(address.type);
  return address;
}

/** One round of sealing, and of auditing what it sealed. */
async function round(now: EpochMs): Promise<{ readonly sealed: number; readonly balanced: number }> {
  const { sealed: sealedNow } = await sealDue(env, now);
  const { balanced } = await auditDue(env, now, () => false);
  return { sealed: sealedNow, balanced };
}

/** The stream has no other hour that is due: what a test has not looked at would hold up the ledgers as well. */
async function noMoreDue({ type }: BucketAddress, now: EpochMs): Promise<void> {
  await env.CATALOG.prepare("UPDATE streams SET due_at_ms = ?2 WHERE type = ?1")
    .bind(type, now + unsettledMsMax)
    .run();
  await env.CATALOG.prepare("DELETE FROM buckets WHERE type = ?1 AND state = 'due'").bind(type).run();
}

it("[AU13] idle hours that a clock has jumped over are sealed and audited in bounded steps, and balance", async () => {
  const address = await stream("idle");
  const now = setClock(due(address) + 11 * dayMs);
  expect(await round(now)).toEqual({
    sealed: bucketsPerStreamPerRunMax,
    balanced: bucketsPerStreamPerRunMax,
  });
  expect(await report(address.type)).toMatchObject({
    totals: { balanced: bucketsPerStreamPerRunMax, unaudited: 0 },
  });
  await noMoreDue(address, now);
});

it("[AU13] the ledgers of an hour wait for its audit, and go after it", async () => {
  const address = await stream("waits");
  const key = await newKey(`write:${address.type}`);
  const events = upTo(3).map((id) => eventOf(address.type, id));
  expect(await answer(post(key, events))).toMatchObject({ status: 200, body: { accepted: 3 } });
  await settled();
  // No cron: the bucket seals by its own alarm.
  setClock(due(address) + 60_000);
  await runDurableObjectAlarm(bucketOf(address));
  const retireAt = endOf(address.hour) + windowMsDefault + retireAfterWindowMs;
  const holding = async () => {
    const tables = await Promise.all(ledgersOf(address.hour).map((ledger) => tablesOf(ledger())));
    return ledgersOf(address.hour).filter((_ledger, slot) => (tables[slot] ?? []).length > 0);
  };
  const [ledger = ledgersOf(address.hour)[0]] = await holding();
  if (ledger === undefined) throw new Error("no ledger");
  setClock(retireAt);
  await runDurableObjectAlarm(ledger());
  expect(await holding()).toHaveLength(1);
  expect(await alarmOf(ledger())).toBe(retireAt + freezeRecheckMs);

  const now = setClock(retireAt + 1);
  expect((await round(now)).balanced).toBe(bucketsPerStreamPerRunMax);
  expect(await getBucket(env.CATALOG, address)).toMatchObject({
    verdict: "balanced",
    seal: { rows: 3 },
  });
  await noMoreDue(address, now);
  setClock(retireAt + freezeRecheckMs);
  await runDurableObjectAlarm(ledger()).catch(() => false);
  await vi.waitFor(async () => {
    expect(await holding()).toEqual([]);
  });

  // Once more: now the counters are gone, and it says so.
  await requeueAudit(env.CATALOG, address, now);
  await auditDue(env, epochMs(retireAt + dayMs), () => false);
  expect(await getBucket(env.CATALOG, address)).toMatchObject({ verdict: "unaudited" });
});

it("[AU13] an hour that does not balance keeps its ledgers for a while, and not for ever", async () => {
  const address = bucket("late-audit/fault", "2032-03-01T10");
  const now = setClock(during(address));
  await register(address.type);
  const sealedAt = due(address);
  const summary = { ...sealed(isoOf(sealedAt)), sealedAtMs: sealedAt };
  await recordSealed(env.CATALOG, [{ address, dueAtMs: sealedAt, summary }]);
  await env.CATALOG.prepare("UPDATE streams SET due_at_ms = ?1")
    .bind(sealedAt + 2 * unsettledMsMax)
    .run();
  const awaits = (ms: number) => awaitsAudit(env.CATALOG, address.hour, epochMs(sealedAt + ms));
  expect(await awaits(unsettledMsMax)).toBe(true);
  await recordVerdict(env.CATALOG, { address, findings: [finding("missing")], attempts: 0, at: sealedAt });
  expect(await awaits(unsettledMsMax - 1)).toBe(true);
  expect(await awaits(unsettledMsMax)).toBe(false);
  await recordVerdict(env.CATALOG, { address, findings: [], attempts: 1, at: sealedAt });
  expect(await awaits(0)).toBe(false);
  // An hour that is due and not taken up is waited for too.
  await env.CATALOG.prepare("UPDATE streams SET due_at_ms = ?1 WHERE type = ?2")
    .bind(now, address.type)
    .run();
  expect(await awaits(0)).toBe(true);
});
