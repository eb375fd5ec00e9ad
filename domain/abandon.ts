/**
 * Giving up a shard that can never answer: its bucket is sealed without it, and says so for ever. An operator's decision,
 * and the last resort: rows that the shard alone holds are then missing. It is taken only while the bucket waits for
 * nothing but receipts, has long not heard that shard, and cannot be taken back.
 */
import * as z from "zod";
import { EpochMs, type Hour, HourText, epochMs } from "./hour.ts";
import { HolderName, ShardIndex } from "./ids.ts";
import { abandonAfterMs, authorCharsMax } from "./limits.ts";

/** As the manifest names it. */
export const Abandoned = z.strictObject({
  hour: HourText,
  index: ShardIndex,
  at: z.string(),
  author: z.string().max(authorCharsMax),
  note: z.string().min(1).max(authorCharsMax),
});
export type Abandoned = z.infer<typeof Abandoned>;

export const AbandonMessage = z.object({
  shard: HolderName,
  author: Abandoned.shape.author,
  note: Abandoned.shape.note,
  nowMs: EpochMs,
  /** True: only what would be answered. */
  dryRun: z.boolean(),
});
export type AbandonMessage = z.infer<typeof AbandonMessage>;

export type AbandonReply =
  /** `before`: it had been abandoned already; that stays as it was. */
  | { readonly abandoned: true; readonly before: boolean }
  | { readonly abandoned: false; readonly why: "not_enrolled" | "answered" | "not_waiting" }
  | { readonly abandoned: false; readonly why: "too_early"; readonly fromMs: EpochMs };

/** What the bucket knows of the shard, and since when its seal fails for missing receipts; null: it does not. */
export interface Waiting {
  readonly enrolled: "no" | "waiting" | "answered" | "abandoned";
  readonly failingSinceMs: EpochMs | null;
}

export function decideAbandon({ enrolled, failingSinceMs }: Waiting, now: EpochMs): AbandonReply {
  if (enrolled === "abandoned") return { abandoned: true, before: true };
  if (enrolled === "no") return { abandoned: false, why: "not_enrolled" };
  if (enrolled === "answered") return { abandoned: false, why: "answered" };
  if (failingSinceMs === null) return { abandoned: false, why: "not_waiting" };
  const fromMs = epochMs(failingSinceMs + abandonAfterMs);
  return now < fromMs ? { abandoned: false, why: "too_early", fromMs } : { abandoned: true, before: false };
}

/** For people: who gave the shard up, when and why. */
export function abandonedLine({
  at,
  author,
  note,
}: Omit<Abandoned, "hour"> & { readonly hour: Hour }): string {
  return `abandoned at ${at} by ${author === "" ? "somebody" : author}: ${note}`;
}
