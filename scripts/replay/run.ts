/**
 * Sends batches, several at a time, and moves the clock between them.
 *
 * The clock crosses an hour only when every batch of the hour before is answered; within an hour it moves while
 * batches are under way, unless one of them holds events of an earlier hour, whose grace might end.
 */
import type { Api } from "../local/client.ts";
import type { Batch } from "./batches.ts";
import type { ReplayClock } from "./clock.ts";
import { sendBatch } from "./send.ts";
import type { Totals } from "./totals.ts";

export interface RunOptions {
  readonly api: Api;
  readonly concurrency: number;
  /** Null: the clock is left alone. */
  readonly clock: ReplayClock | null;
  readonly totals: Totals;
  readonly onProgress: () => void;
}

export async function sendAll(batches: AsyncIterable<Batch>, options: RunOptions): Promise<void> {
  const { api, concurrency, clock, totals, onProgress } = options;
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let hour = Number.NEGATIVE_INFINITY;
  let mixed = false;

  const drain = async (): Promise<void> => {
    await Promise.all(underWay);
    mixed = false;
  };
  const send = async (batch: Batch): Promise<void> => {
    const texts = batch.events.map((event) => event.json);
    const sent = await sendBatch(api, texts, () => {
      totals.retries++;
      onProgress();
    });
    totals.add(texts.length, sent);
    onProgress();
  };

  for await (const batch of batches) {
    if (failures.length > 0) break;
    if (clock !== null && batch.latest !== null && !clock.passed(batch.latest.timeMs)) {
      if (batch.latest.hourNumber > hour || mixed) await drain();
      await clock.moveTo(batch.latest.timeMs);
      hour = Math.max(hour, batch.latest.hourNumber);
    }
    mixed ||= !batch.oneHour;
    const sending: Promise<void> = send(batch)
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
    if (underWay.size >= concurrency) await Promise.race(underWay);
  }
  await drain();
  if (failures.length > 0) throw failures[0];
}
