/** What a stream's page and `explain` say of its events in quarantine, on the real runtime: at once, and why once it is sealed. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, isoOf, plusHours, startOf } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { bucketPrefix } from "../../../domain/manifest.ts";
import { quarantineType } from "../../../domain/quarantine.ts";
import type { StreamReply } from "../../../domain/view/stream.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket } from "../helpers.ts";
import { containing, due, during, hourText, setClock } from "../helpers-objects.ts";
import { answer, eventOf, newKey, post, register, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function page(name: string, hours: number, now: EpochMs): Promise<StreamReply> {
  return (await ask(`GET /v1/audit/streams/${encodeURIComponent(name)}?hours=${hours}`, { now })).json();
}

describe("[QU4] [OP3] what a stream's page says of quarantine", () => {
  async function flooded(
    name: string,
    hoursLater: number,
  ): Promise<{ address: BucketAddress; now: EpochMs }> {
    const address = bucket(name, plusHours(bucket("x", hourText).hour, hoursLater));
    setClock(during(address));
    const schema = { type: "object", properties: { price: { type: "integer" } } };
    await register(address.type, { schema, onInvalid: "quarantine" });
    const time = isoOf(startOf(address.hour));
    const bad = [1, 2, 3].map((id) => eventOf(address.type, id, { time, data: { price: "much" } }));
    expect(await answer(post(await newKey("write:*"), bad))).toMatchObject({ body: { quarantined: 3 } });
    await settled();
    const open = await page(address.type, 2, during(address));
    expect([open.quarantined, open.quarantine]).toEqual([[0, 3], null]);
    const now = setClock(due(address));
    await runFlusher(env, now);
    return { address, now };
  }

  it("is how many at once, and why once they are sealed; never what they hold", async () => {
    const { address, now } = await flooded("strain/flood", 0);
    const { quarantined, quarantine } = await page(address.type, 2, now);
    expect(quarantined).toEqual([3, 0]);
    expect(quarantine).toMatchObject({
      events: 3,
      whole: true,
      reasons: [
        { code: "schema_violation", pointer: "/data/price", events: 3, detail: containing("version 1") },
      ],
    });
    expect(JSON.stringify(quarantine)).not.toContain("much");
    const explained = await ask(`GET /v1/ops/explain/${encodeURIComponent(address.type)}/${address.hour}`, {
      now,
    });
    expect(await explained.json()).toMatchObject({
      state: "empty",
      reasons: [{ what: "quarantine", detail: containing("3 of 3 events") }],
    });
  });

  it("is told of what can be read, if a part is lost", async () => {
    const { address, now } = await flooded("strain/lost", 6);
    const prefix = bucketPrefix({ type: quarantineType, hour: address.hour });
    const { objects } = await env.EVENTS.list({ prefix });
    await env.EVENTS.delete(objects.filter(({ key }) => key.includes("/part-")).map(({ key }) => key));
    const { quarantined, quarantine } = await page(address.type, 2, now);
    expect([quarantined, quarantine]).toMatchObject([[3, 0], { events: 0, whole: true, reasons: [] }]);
  });
});
