/**
 * What operators do by hand. Every action is a dry run unless it is told not to be, is noted before it is done and with
 * its outcome after, and can be repeated.
 */
import * as z from "zod";
import { isoOf } from "../../../../domain/hour.ts";
import { authorCharsMax } from "../../../../domain/limits.ts";
import { ok } from "../../../../domain/refusal.ts";
import { beginAction, endAction, listActions } from "../../../../platform/catalog/ops-actions.ts";
import { log } from "../../../../platform/log.ts";
import { type OpsCall, type OpsReply, checkedQuery, json } from "../http.ts";

/** What every action's body holds. */
export const actionFields = {
  /** True unless it says otherwise: what would be done is answered, and nothing is. */
  dryRun: z.boolean().default(true),
  author: z.string().max(authorCharsMax).default(""),
  note: z.string().max(authorCharsMax).default(""),
} as const;
export const ActionBody = z.strictObject(actionFields);
export type ActionBody = z.infer<typeof ActionBody>;

/** Does it and notes it. An action that throws is noted as failed, and throws. */
export async function act<Outcome extends object>(
  call: OpsCall,
  what: { readonly action: string; readonly target: string },
  { author, note }: Pick<ActionBody, "author" | "note">,
  work: () => Promise<Outcome>,
): Promise<Outcome & { readonly id: number }> {
  const { env, keyId, now } = call;
  const id = await beginAction(env.CATALOG, { ...what, keyId, author, note }, now);
  try {
    const outcome = await work();
    log("ops", "action", { id, ...what, key: keyId, author, outcome });
    await endAction(env.CATALOG, id, outcome);
    return { ...outcome, id };
  } catch (error) {
    log("ops", "action_failed", { id, ...what, key: keyId, author, error: String(error) });
    await endAction(env.CATALOG, id, { failed: String(error) });
    throw error;
  }
}

const ActionsQuery = z.strictObject({
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** `/v1/ops/actions`: what was done by hand, newest first; `next`, given as `before`, is the page after. */
export async function listActionsRoute({ env, query }: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(ActionsQuery, query);
  if (!wanted.ok) return wanted;
  const { before = null, limit } = wanted.value;
  const actions = await listActions(env.CATALOG, before, limit);
  return ok(
    json({
      actions: actions.map(({ atMs, outcome, ...action }) => ({
        ...action,
        at: isoOf(atMs),
        outcome: outcome === null ? null : (JSON.parse(outcome) as unknown),
      })),
      next: actions.length === limit ? (actions.at(-1)?.id ?? null) : null,
    }),
  );
}
