/** Quotas as the catalog keeps them: who has one, what was used of it by the hour, and which are used up. */
import * as z from "zod";
import { type EpochMs, type Hour, hourOf } from "../../domain/hour.ts";
import {
  type Quota,
  QuotaKind,
  type QuotaOwner,
  type QuotaUse,
  QuotaWindow,
  type SpentQuota,
  firstHourKept,
  firstHourOfDay,
  quotaName,
} from "../../domain/quota.ts";
import { rowsOf, timeColumn } from "./border.ts";
import { bumpVersion } from "./version.ts";

const owner = { kind: QuotaKind, name: z.string().min(1) } as const;

const OwnerRow = z
  .object({
    ...owner,
    events_per_hour_max: z.number().int().nullable(),
    events_per_day_max: z.number().int().nullable(),
  })
  .transform(({ kind, name, ...row }) => ({
    kind,
    name,
    eventsPerHourMax: row.events_per_hour_max,
    eventsPerDayMax: row.events_per_day_max,
  }));
export type OwnedQuota = QuotaOwner & Quota;

export const SpentRow = z
  .object({ ...owner, window: QuotaWindow, events_max: z.number().int(), until_ms: timeColumn })
  .transform(({ events_max: eventsMax, until_ms: until, ...row }): SpentQuota => ({
    ...row,
    eventsMax,
    until,
  }));

export function selectSpent(db: D1Database): D1PreparedStatement {
  return db.prepare("SELECT kind, name, window, events_max, until_ms FROM quota_spent ORDER BY kind, name");
}

/** Streams and keys that have a quota, and the quotas that are said to be used up. */
export async function readQuotas(
  db: D1Database,
): Promise<{ readonly owned: readonly OwnedQuota[]; readonly spent: readonly SpentQuota[] }> {
  const [streams, keys, spent] = await db.batch([
    db.prepare(
      `SELECT 'stream' AS kind, type AS name, settings ->> '$.eventsPerHourMax' AS events_per_hour_max,
         settings ->> '$.eventsPerDayMax' AS events_per_day_max
       FROM streams INDEXED BY streams_quota
       WHERE (settings ->> '$.eventsPerHourMax' IS NOT NULL OR settings ->> '$.eventsPerDayMax' IS NOT NULL)
         AND removed_at_ms IS NULL ORDER BY type`,
    ),
    db.prepare(
      `SELECT 'key' AS kind, id AS name, events_per_hour_max, events_per_day_max FROM keys INDEXED BY keys_quota
       WHERE (events_per_hour_max IS NOT NULL OR events_per_day_max IS NOT NULL) AND revoked_at_ms IS NULL
       ORDER BY id`,
    ),
    selectSpent(db),
  ]);
  return {
    owned: [...rowsOf(OwnerRow, streams), ...rowsOf(OwnerRow, keys)],
    spent: rowsOf(SpentRow, spent),
  };
}

export interface HourUse extends QuotaOwner {
  readonly hour: Hour;
  readonly events: number;
}

/** Keeps the most that was ever counted of an hour: who could not be asked takes nothing away. Forgets past days. */
export async function noteUse(db: D1Database, uses: readonly HourUse[], now: EpochMs): Promise<void> {
  const note = db
    .prepare(
      `INSERT INTO quota_use (hour, kind, name, events)
       SELECT value ->> '$.hour', value ->> '$.kind', value ->> '$.name', value ->> '$.events'
       FROM json_each(?1) WHERE true
       ON CONFLICT DO UPDATE SET events = max(events, excluded.events) WHERE excluded.events > events`,
    )
    .bind(JSON.stringify(uses.filter(({ events }) => events > 0)));
  const forget = db.prepare("DELETE FROM quota_use WHERE hour < ?1").bind(firstHourKept(now));
  await db.batch([note, forget]);
}

const UseRow = z.object({ ...owner, hour: z.number(), day: z.number() });

/** What was used within the hour, and the day, of now; of whom nothing is known: nothing. */
export async function readUse(db: D1Database, now: EpochMs): Promise<(of: QuotaOwner) => QuotaUse> {
  const select = db
    .prepare(
      `SELECT kind, name, sum(events) AS day, sum(CASE hour WHEN ?2 THEN events ELSE 0 END) AS hour
       FROM quota_use WHERE hour >= ?1 AND hour <= ?2 GROUP BY kind, name`,
    )
    .bind(firstHourOfDay(now), hourOf(now));
  const found = new Map(
    rowsOf(UseRow, await select.all()).map((row) => [quotaName(row), { hour: row.hour, day: row.day }]),
  );
  return (of) => found.get(quotaName(of)) ?? { hour: 0, day: 0 };
}

/** Says which quotas are used up from now on, as something new that edges read. */
export async function writeSpent(db: D1Database, spent: readonly SpentQuota[]): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM quota_spent"),
    db
      .prepare(
        `INSERT INTO quota_spent (kind, name, window, events_max, until_ms)
         SELECT value ->> '$.kind', value ->> '$.name', value ->> '$.window', value ->> '$.eventsMax',
                value ->> '$.until'
         FROM json_each(?1)`,
      )
      .bind(JSON.stringify(spent)),
    bumpVersion(db),
  ]);
}
