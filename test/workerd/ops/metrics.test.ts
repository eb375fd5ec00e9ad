/** /metrics on the real runtime: counters that count once, sources that are away. */
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { type EpochMs, endOf, epochMs, plusHours } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { ledgerRestMs } from "../../../domain/limits.ts";
import { requeueAudit } from "../../../platform/catalog/audits.ts";
import { foldLedgerHours } from "../../../workers/flusher/metrics/fold-ledgers.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket, overriding } from "../helpers.ts";
import { due, during, hourText, setClock, upTo } from "../helpers-objects.ts";
import { answer, eventOf, intercept, newKey, post, register, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function scrape(now: EpochMs, with_: Partial<Env> = {}): Promise<ReadonlyMap<string, number>> {
  const response = await ask("GET /metrics", { now, env: with_ });
  expect(response.headers.get("content-type")).toContain("application/openmetrics-text; version=1.0.0");
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

const accepted = 'hourseal_events_total{outcome="accepted"}';

async function postOnce(address: BucketAddress, ids: readonly number[]): Promise<void> {
  setClock(during(address));
  const key = await newKey("write:*");
  const events = ids.map((id) => eventOf(address.type, id));
  expect(await answer(post(key, events))).toMatchObject({ status: 200 });
  await settled();
}

it("[OP8] counts each event once: while its hour goes on, when it is added, and by two that add it at once", async () => {
  const address = bucket("metrics/once", hourText);
  setClock(during(address));
  await register(address.type, { owner: "us" });
  await foldLedgerHours(env, during(address));
  await postOnce(address, upTo(3));
  await postOnce(address, [2, 3]);
  const counted = { received: 5, accepted: 4, duplicates: 1 };
  const shown = async (now: EpochMs): Promise<object> => {
    const metrics = await scrape(now);
    return {
      received: metrics.get("hourseal_events_received_total"),
      accepted: metrics.get(accepted),
      duplicates: metrics.get('hourseal_events_total{outcome="duplicates"}'),
    };
  };
  expect(await shown(during(address))).toEqual(counted);
  const over = epochMs(endOf(address.hour) + ledgerRestMs);
  expect(await shown(over)).toEqual(counted);
  await Promise.all([foldLedgerHours(env, over), foldLedgerHours(env, over)]);
  expect(await shown(over)).toEqual(counted);
  expect((await scrape(over)).get("hourseal_edge_lives_total")).toBe(1);
  await foldLedgerHours(env, over);
  expect(await shown(over)).toEqual(counted);
});

it("[OP8] a ledger that is away takes its metrics along, and holds up what is added of it", async () => {
  const address = bucket("metrics/away", plusHours(bucket("x", hourText).hour, 2));
  setClock(during(address));
  await register(address.type);
  await postOnce(address, upTo(2));
  intercept(env.EDGE_LEDGER, "totals", () => Promise.reject(new Error("it is away")));
  const metrics = await scrape(during(address));
  expect(metrics.get('hourseal_source_up{source="ledger"}')).toBe(0);
  expect(metrics.get('hourseal_source_up{source="catalog"}')).toBe(1);
  expect(metrics.has(accepted)).toBe(false);
  const over = epochMs(endOf(address.hour) + ledgerRestMs);
  await expect(foldLedgerHours(env, over)).rejects.toThrow("it is away");
  vi.restoreAllMocks();
  const before = (await scrape(over)).get(accepted);
  await foldLedgerHours(env, over);
  expect((await scrape(over)).get(accepted)).toBe(before);
});

it("[OP8] a catalog that is away is said, and nothing is shown as zero", async () => {
  const away = overriding(env.CATALOG, {
    prepare: () => {
      throw new Error("D1 is away");
    },
  });
  expect([...(await scrape(due(bucket("x", hourText)), { CATALOG: away }))]).toEqual([
    ['hourseal_source_up{source="catalog"}', 0],
    ['hourseal_source_up{source="ledger"}', 0],
  ]);
});

it("[OP8] a bucket is counted when it is first audited, and not again; its state and lateness show", async () => {
  const address = bucket("metrics/bucket", plusHours(bucket("x", hourText).hour, 4));
  setClock(during(address));
  await register(address.type, { owner: "us", priority: "high" });
  await postOnce(address, upTo(3));
  const rows = async (now: EpochMs): Promise<number | undefined> =>
    (await scrape(now)).get("hourseal_delivered_rows_total");
  const before = (await rows(during(address))) ?? 0;
  const overdue = epochMs(due(address) + 3_600_000);
  const labels = `{type="${address.type}",owner="us"}`;
  expect((await scrape(overdue)).get(`hourseal_stream_overdue_buckets${labels}`)).toBe(1);
  expect((await scrape(overdue)).get(`hourseal_stream_due_seconds${labels}`)).toBe(3_600);

  const sealedAt = setClock(due(address) + 5_000);
  await runFlusher(env, sealedAt);
  const metrics = await scrape(sealedAt);
  expect(metrics.get(`hourseal_stream_overdue_buckets${labels}`)).toBe(0);
  expect(metrics.get(`hourseal_stream_lateness_worst_seconds${labels}`)).toBe(605);
  expect(metrics.get(`hourseal_stream_lateness_target_seconds${labels}`)).toBe(900);
  const after = (await rows(sealedAt)) ?? 0;
  expect(after).toBeGreaterThanOrEqual(before + 3);
  await requeueAudit(env.CATALOG, address, sealedAt);
  await runFlusher(env, sealedAt);
  expect(await rows(sealedAt)).toBe(after);
});
