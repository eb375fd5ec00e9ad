/**
 * `quarantine` and `replay-quarantine`: what of a stream is in quarantine, and posting it again.
 *
 * A replay posts each event as it was posted first, so it keeps its identity and its time: one that its stream has
 * already is a duplicate, and one that is still not taken is the same row of quarantine. Repeating a replay is safe.
 */
import * as z from "zod";
import type { Hour } from "../../domain/hour.ts";
import { quarantineType } from "../../domain/quarantine.ts";
import { typeSegment } from "../../domain/segment.ts";
import { type Api, ApiFailed, call } from "../local/client.ts";
import { sendBatch } from "../replay/send.ts";

/** Hours of quarantine, the last one exclusive; null: from the first, or up to the last one that is sealed. */
export interface HourRange {
  readonly from: Hour | null;
  readonly to: Hour | null;
}

const Event = z.looseObject({
  id: z.string(),
  source: z.string(),
  code: z.string(),
  detail: z.string(),
  pointer: z.string().optional(),
  event: z.string(),
});
type Event = z.infer<typeof Event>;

/** Prints a line for each event. */
export async function quarantine(api: Api, type: string, range: HourRange): Promise<number> {
  let count = 0;
  for await (const { hour, events } of pages(api, type, range)) {
    for (const { code, pointer, id, source, detail } of events) {
      const what = pointer === undefined ? code : `${code} ${pointer}`;
      console.log(`${hour}  ${what}  id ${JSON.stringify(id)} from ${JSON.stringify(source)}: ${detail}`);
    }
    count += events.length;
  }
  console.log(`${count} events of ${JSON.stringify(type)} in quarantine, in hours that are sealed`);
  return 0;
}

/** Posts them again. Exit code 1 if some are still not taken. */
export async function replayQuarantine(
  api: Api,
  client: Api,
  type: string,
  range: HourRange,
): Promise<number> {
  const counts = { events: 0, accepted: 0, duplicates: 0, quarantined: 0, refused: 0 };
  const reasons = new Set<string>();
  const onRetry = (why: string): void => {
    console.error(`streams: trying again: ${why}`);
  };
  for await (const { events } of pages(api, type, range)) {
    const { replies } = await sendBatch(
      client,
      events.map(({ event }) => event),
      onRetry,
    );
    counts.events += events.length;
    for (const { accepted, duplicates, quarantined, refused } of replies) {
      counts.accepted += accepted;
      counts.duplicates += duplicates;
      counts.quarantined += quarantined;
      counts.refused += refused.length;
      for (const { code, detail } of refused) reasons.add(`${code}: ${detail}`);
    }
  }
  const { accepted, duplicates, quarantined, refused } = counts;
  console.log(
    `replayed ${counts.events} events of ${JSON.stringify(type)}: ${accepted} accepted, ${duplicates} duplicates, ` +
      `${quarantined} still quarantined, ${refused} refused`,
  );
  for (const reason of [...reasons].slice(0, reasonsMax)) console.error(`streams: refused: ${reason}`);
  return quarantined + refused === 0 ? 0 : 1;
}

const reasonsMax = 5;

const Page = z.looseObject({ events: z.array(Event), next: z.string().nullable() });

async function* pages(
  api: Api,
  type: string,
  range: HourRange,
): AsyncGenerator<{ readonly hour: string; readonly events: readonly Event[] }> {
  for await (const hour of sealedHours(api, range)) {
    for (let after: string | null = ""; after !== null;) {
      const page: z.infer<typeof Page> | "expired" = await pageOf(api, type, hour, after);
      if (page === "expired") {
        console.error(`streams: ${hour} of quarantine has expired: only its manifest is kept`);
        break;
      }
      if (page.events.length > 0) yield { hour, events: page.events };
      after = page.next;
    }
  }
}

async function pageOf(
  api: Api,
  type: string,
  hour: string,
  after: string,
): Promise<z.infer<typeof Page> | "expired"> {
  const query = new URLSearchParams({ hour, ...(after === "" ? {} : { after }) });
  try {
    return Page.parse(
      await call(api, "GET", `/v1/streams/${typeSegment(type)}/quarantine?${query.toString()}`),
    );
  } catch (error) {
    if (error instanceof ApiFailed && error.status === 410) return "expired";
    throw error;
  }
}

const Buckets = z.looseObject({
  buckets: z.array(z.looseObject({ hour: z.string(), rows: z.number().nullable() })),
  next: z.string().nullable(),
});

/** Sealed hours of quarantine in which something is. */
async function* sealedHours(api: Api, { from, to }: HourRange): AsyncGenerator<string> {
  for (let after: string | null = ""; after !== null;) {
    const query = new URLSearchParams({
      type: quarantineType,
      state: "sealed",
      ...(from === null ? {} : { from }),
      ...(to === null ? {} : { to }),
      ...(after === "" ? {} : { after }),
    });
    const { buckets, next } = Buckets.parse(await call(api, "GET", `/v1/buckets?${query.toString()}`));
    for (const { hour, rows } of buckets) if (rows !== null && rows > 0) yield hour;
    after = next;
  }
}
