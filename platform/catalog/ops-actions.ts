/** What operators did by hand. Bounded: the oldest go when there are more than `opsActionsMax`. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { opsActionsMax } from "../../domain/limits.ts";
import { rowsOf, timeColumn } from "./border.ts";

const ActionRow = z
  .object({
    id: z.number().int(),
    at_ms: timeColumn,
    key_id: z.string(),
    author: z.string(),
    note: z.string(),
    action: z.string(),
    target: z.string(),
    outcome: z.string().nullable(),
  })
  .transform(({ at_ms: atMs, key_id: keyId, ...row }) => ({ ...row, atMs, keyId }));
export type OpsAction = z.output<typeof ActionRow>;

const IdRow = z.object({ id: z.number().int() });

/** Notes that an action is about to be done; answers its number. */
export async function beginAction(
  db: D1Database,
  action: Pick<OpsAction, "keyId" | "author" | "note" | "action" | "target">,
  now: EpochMs,
): Promise<number> {
  const { keyId, author, note, action: name, target } = action;
  const [inserted] = await db.batch([
    db
      .prepare(
        `INSERT INTO ops_actions (at_ms, key_id, author, note, action, target)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id`,
      )
      .bind(now, keyId, author, note, name, target),
    db
      .prepare("DELETE FROM ops_actions WHERE id <= (SELECT max(id) FROM ops_actions) - ?1")
      .bind(opsActionsMax),
  ]);
  return rowsOf(IdRow, inserted)[0]?.id ?? 0;
}

export async function endAction(db: D1Database, id: number, outcome: unknown): Promise<void> {
  await db
    .prepare("UPDATE ops_actions SET outcome = ?2 WHERE id = ?1")
    .bind(id, JSON.stringify(outcome))
    .run();
}

/** The newest ones, from before number `before` on. */
export async function listActions(
  db: D1Database,
  before: number | null,
  limit: number,
): Promise<OpsAction[]> {
  const select = db
    .prepare(
      `SELECT id, at_ms, key_id, author, note, action, target, outcome FROM ops_actions
       WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2`,
    )
    .bind(before, limit);
  return rowsOf(ActionRow, await select.all());
}
