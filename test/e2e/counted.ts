/** Edges report what they answered a moment after they did: what a test reads of the ledgers, it waits for. */
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { typeSegment } from "../../domain/segment.ts";
import { type Api, call } from "../../scripts/local/client.ts";

const Flow = z.looseObject({
  flow: z.array(z.looseObject({ name: z.string(), rows: z.number().nullable() })),
});

/** Resolves when the ledgers have this many events of the bucket, duplicates and all. */
export async function untilReceived(api: Api, type: string, hour: string, count: number): Promise<void> {
  let received: number | null = null;
  for (let tries = 0; tries < 100; tries++) {
    const view = await call(api, "GET", `/v1/audit/buckets/${typeSegment(type)}/${hour}`);
    received = Flow.parse(view).flow.find(({ name }) => name === "received")?.rows ?? null;
    if (received === count) return;
    await pause(50);
  }
  throw new Error(`the ledgers have ${received} events of ${type} in ${hour}, not ${count}`);
}
