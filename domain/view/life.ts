/** The life of a bucket, as moments in order: what has happened to it, and what is still to come. */
import { type EpochMs, type Hour, endOf, isoOf, startOf } from "../hour.ts";
import { overdueMs } from "../limits.ts";

export interface Moment {
  readonly at: string;
  readonly what: "begins" | "ends" | "due" | "overdue" | "failing" | "sealed" | "not_balanced" | "audited";
  /** False: still to come. */
  readonly past: boolean;
}

export interface LifeInput {
  readonly hour: Hour;
  readonly dueAtMs: EpochMs;
  readonly failingSinceMs: EpochMs | null;
  readonly sealedAtMs: EpochMs | null;
  readonly firstFaultAtMs: EpochMs | null;
  readonly verifiedAtMs: EpochMs | null;
}

const order: readonly Moment["what"][] = [
  "begins",
  "ends",
  "due",
  "failing",
  "overdue",
  "sealed",
  "not_balanced",
  "audited",
];

export function lifeOf(input: LifeInput, now: EpochMs): Moment[] {
  const overdueAt = input.dueAtMs + overdueMs;
  const wasOverdue = (input.sealedAtMs ?? now) >= overdueAt;
  const moments: readonly (readonly [Moment["what"], number | null])[] = [
    ["begins", startOf(input.hour)],
    ["ends", endOf(input.hour)],
    ["due", input.dueAtMs],
    ["failing", input.failingSinceMs],
    ["overdue", wasOverdue ? overdueAt : null],
    ["sealed", input.sealedAtMs],
    ["not_balanced", input.firstFaultAtMs],
    ["audited", input.verifiedAtMs],
  ];
  return moments
    .flatMap(([what, at]) => (at === null ? [] : [{ what, at }]))
    .toSorted((a, b) => a.at - b.at || order.indexOf(a.what) - order.indexOf(b.what))
    .map(({ what, at }) => ({ what, at: isoOf(at as EpochMs), past: at <= now }));
}
