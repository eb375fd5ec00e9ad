/** R2 does not answer for one bucket's part: its audit is given up for this run, and every other one gets its verdict. */
import { env } from "cloudflare:workers";
import { afterAll, expect, it, vi } from "vitest";
import { startOf } from "../../domain/hour.ts";
import { auditDue } from "../../workers/flusher/audit/audit-due.ts";
import { sealDue } from "../../workers/flusher/seal/seal-due.ts";
import { getBucket } from "../../platform/catalog/buckets.ts";
import { bucket, overriding } from "./helpers.ts";
import { due, hourText, manifestAt, setClock } from "./helpers-objects.ts";
import { eventOf, newKey, post, register, settled } from "./helpers-system.ts";

afterAll(() => {
  vi.useRealTimers();
});

it("[IS4] an audit that hangs ends at its deadline, the others go on, and it is taken up again", async () => {
  const names = ["hangs/a", "hangs/b", "hangs/c"];
  const [hanging, ...others] = names.map((name) => bucket(name, hourText));
  if (hanging === undefined) throw new Error("no bucket");
  setClock(startOf(hanging.hour) + 60_000);
  const key = await newKey("write:*");
  for (const name of names) {
    await register(name);
    await post(key, [eventOf(name, "1")]);
  }
  await settled();
  const now = setClock(due(hanging));
  await sealDue(env, now, () => false);
  const stuck = (await manifestAt(hanging)).parts[0]?.key;

  const EVENTS = overriding(env.EVENTS, {
    get: (part: string) =>
      part === stuck ? new Promise<never>(() => undefined) : (env.EVENTS.get(part) as never),
  });
  vi.useRealTimers();
  await auditDue({ ...env, EVENTS }, now, () => false, 2_000);
  expect(await getBucket(env.CATALOG, hanging)).toMatchObject({ state: "sealed", verdict: null });
  for (const other of others)
    expect(await getBucket(env.CATALOG, other)).toMatchObject({ verdict: "balanced" });

  await auditDue(env, now, () => false, 2_000);
  expect(await getBucket(env.CATALOG, hanging)).toMatchObject({ verdict: "balanced" });
});
