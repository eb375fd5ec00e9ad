/**
 * Drains: a stream that an operator has drained takes no new events until that is undone. What it has is sealed, audited
 * and read as ever. Nobody else knows of it but the edges: their refusal is one to come again after, not to drop events on.
 */
import * as z from "zod";
import { EpochMs, isoOf } from "./hour.ts";
import { drainRetryMs } from "./limits.ts";
import type { EventRefusal } from "./refusal.ts";

export const Drain = z.strictObject({ sinceMs: EpochMs, author: z.string(), note: z.string() });
export type Drain = z.infer<typeof Drain>;

/** A drain as it is answered to operators; null: the stream takes events. */
export interface DrainedView {
  readonly since: string;
  readonly author: string;
  readonly note: string;
}

export function drainedOf(drain: Drain | undefined): DrainedView | null {
  if (drain === undefined) return null;
  const { sinceMs, author, note } = drain;
  return { since: isoOf(sinceMs), author, note };
}

/** Why a stream takes no event now, whatever the event; null: it takes events. Who drained it and why is not for clients. */
export function drainRefusal(stream: {
  readonly type: string;
  readonly drain?: Drain | undefined;
}): EventRefusal | null {
  if (stream.drain === undefined) return null;
  const detail = `the stream ${stream.type} takes no new events for now; keep this one and send it again, not before ${drainRetryMs / 1_000} s`;
  return { code: "stream_drained", detail };
}

/** True of a reason that passes: the event is to be sent again as it is. */
export function isForNow(code: EventRefusal["code"]): boolean {
  return code === "stream_drained";
}
