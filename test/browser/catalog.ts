/**
 * A catalog with many streams and every state a bucket can be in, written as the flusher and the auditor would leave it:
 * what the grid is for is rarer than a test can cause.
 */
import type { Miniflare } from "miniflare";
import { StreamSettings } from "../../domain/stream.ts";

const HOUR_MS = 3_600_000;
const hoursPerStatement = 8;

export interface Seed {
  readonly streams: number;
  readonly hours: number;
  /** The current hour, which is open. */
  readonly nowMs: number;
}

const names = [
  "click",
  "play",
  "pause",
  "order-placed",
  "order-paid",
  "crash",
  "search",
  "follow",
  "skip",
  "ad-shown",
];
const teams = ["web", "player", "payments", "mobile", "ads", "search"];

interface SeedBucket {
  readonly type: string;
  readonly hour: string;
  readonly state: "due" | "sealed";
  readonly dueAtMs: number;
  readonly verdict: string | null;
  readonly rows: number;
  readonly sealedAtMs: number;
  readonly findings: readonly object[];
  readonly expired: boolean;
}

export function seedTypes(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) =>
      `${teams[index % teams.length]}.${names[index % names.length]}.v${Math.floor(index / 30) + 1}-${index}`,
  );
}

export async function seedCatalog(miniflare: Miniflare, worker: string, seed: Seed): Promise<void> {
  const db = await miniflare.getD1Database("CATALOG", worker);
  const types = seedTypes(seed.streams);
  const first = hourText(seed.nowMs - seed.hours * HOUR_MS);
  const streams = types.map((type, index) => ({
    type,
    settings: JSON.stringify(
      StreamSettings.parse({ owner: `team-${teams[index % teams.length]}`, priority: priorityOf(index) }),
    ),
    priority: index % 3,
  }));
  await db
    .prepare(
      `INSERT INTO streams (type, settings, priority, first_hour, next_hour, due_at_ms, created_at_ms, updated_at_ms, version)
       SELECT value ->> '$.type', value ->> '$.settings', value ->> '$.priority', ?2, ?3, ?4, ?4, ?4, 1
       FROM json_each(?1)`,
    )
    .bind(JSON.stringify(streams), first, hourText(seed.nowMs), seed.nowMs)
    .run();
  for (let ago = 1; ago <= seed.hours; ago += hoursPerStatement) {
    const hours = Array.from(
      { length: Math.min(hoursPerStatement, seed.hours + 1 - ago) },
      (_, at) => ago + at,
    );
    const buckets = hours.flatMap((hour) =>
      types.map((type, index) => bucketOf(type, index, hour, seed.nowMs)),
    );
    await db
      .prepare(
        `INSERT INTO buckets (type, hour, state, due_at_ms, retry_at_ms, rows, bytes, identity_sum, manifest_sha256,
                              sealed_at_ms, verdict, findings, finding_count, verified_at_ms, first_fault_at_ms,
                              expired_at_ms)
         SELECT value ->> '$.type', value ->> '$.hour', value ->> '$.state', value ->> '$.dueAtMs', value ->> '$.dueAtMs',
                iif(value ->> '$.state' = 'sealed', value ->> '$.rows', NULL),
                iif(value ->> '$.state' = 'sealed', value ->> '$.rows' * 90, NULL),
                iif(value ->> '$.state' = 'sealed', '00000000000000ff', NULL),
                iif(value ->> '$.state' = 'sealed', 'sha', NULL),
                iif(value ->> '$.state' = 'sealed', value ->> '$.sealedAtMs', NULL),
                value ->> '$.verdict', value -> '$.findings', json_array_length(value, '$.findings'),
                iif(value ->> '$.verdict' IS NOT NULL, value ->> '$.sealedAtMs' + 60000, NULL),
                iif(json_array_length(value, '$.findings') > 0, value ->> '$.sealedAtMs' + 60000, NULL),
                iif(value ->> '$.expired', ?2, NULL)
         FROM json_each(?1)`,
      )
      .bind(JSON.stringify(buckets), seed.nowMs)
      .run();
  }
}

function priorityOf(index: number): string {
  return ["high", "normal", "low"][index % 3] ?? "normal";
}

/** Mostly balanced, as it should be; the first streams and the last hours show what else there is. */
function bucketOf(type: string, index: number, hoursAgo: number, nowMs: number): SeedBucket {
  const hourMs = nowMs - hoursAgo * HOUR_MS;
  const dueAtMs = Math.floor(hourMs / HOUR_MS) * HOUR_MS + HOUR_MS + 600_000;
  const day = 1 + Math.sin((hoursAgo / 24) * 2 * Math.PI) / 2;
  const verdict = verdictOf(index, hoursAgo);
  const rows = verdict === "empty" ? 0 : Math.round((index + 3) * 40 * day);
  const balanced = verdict === "empty" || verdict === "expired";
  const due = verdict === "overdue" || verdict === "due";
  const faulty = ["missing", "surplus", "corrupt", "unaudited"].includes(verdict);
  const finding = {
    kind: verdict,
    hop: "reread",
    where: "part-0-0.ndjson.gz",
    rows: 7 + index,
    expected: null,
    found: null,
    detail: "seeded",
  };
  return {
    type,
    hour: hourText(hourMs),
    state: due ? "due" : "sealed",
    dueAtMs: verdict === "due" ? nowMs - 60_000 : dueAtMs,
    verdict: due || verdict === "unverified" ? null : balanced ? "balanced" : verdict,
    rows,
    sealedAtMs:
      dueAtMs + 5_000 + ((index * 7_919 + hoursAgo * 104_729) % 90_000) + (index % 41 === 0 ? 400_000 : 0),
    findings: faulty ? [finding] : [],
    expired: verdict === "expired",
  };
}

function verdictOf(index: number, hoursAgo: number): string {
  const place = index * 13 + hoursAgo * 7;
  if (hoursAgo <= 3 && index % 17 === 4) return "overdue";
  if (hoursAgo === 1 && index % 5 === 0) return "due";
  if (hoursAgo <= 2 && index % 4 === 1) return "unverified";
  if (index % 19 === 6 && hoursAgo > 20) return "expired";
  if (index % 9 === 7 && hoursAgo % 24 < 7) return "empty";
  if (place % 397 === 0) return "missing";
  if (place % 911 === 0) return "surplus";
  if (place % 1_499 === 0) return "corrupt";
  if (place % 701 === 0) return "unaudited";
  return "balanced";
}

function hourText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}
