/**
 * Looking up appends: what a shard says of the appends it committed, sorted by what the ledger knows of them.
 * Feeds the equation `acked accepted + resolved committed = shard.accepted`, edge by edge.
 */
import * as z from "zod";
import type { AppendTag } from "./commit.ts";
import { AppendNo, EdgeId } from "./ids.ts";
import { type Tally, addTallies, zeroTally } from "./tally.ts";

/** What the auditor tells the shard of one edge. */
export const EdgeQuery = z.strictObject({
  edge: EdgeId,
  sentThrough: z.number().int().min(0),
  unresolved: z.array(AppendNo),
});
export type EdgeQuery = z.infer<typeof EdgeQuery>;

/** What the shard committed for one edge. */
export interface EdgeAnswer {
  readonly edge: EdgeId;
  /** False: the ledger does not know this edge at all. */
  readonly known: boolean;
  /** Appends that the ledger knows to have an outcome. */
  readonly resolved: Tally;
  /** Appends that the ledger knows to be sent, without an outcome: committed all the same. */
  readonly unresolved: Tally;
  /** Appends past `sentThrough`: sent by an edge that died before it could report, and so answered to nobody. */
  readonly unanswered: Tally;
}

export function classifyAppends(tags: Iterable<AppendTag>, queries: readonly EdgeQuery[]): EdgeAnswer[] {
  const known = new Map(queries.map((query) => [query.edge, { ...query, open: new Set(query.unresolved) }]));
  const answers = new Map<EdgeId, { resolved: Tally; unresolved: Tally; unanswered: Tally }>();
  for (const { edge, no, accepted } of tags) {
    const query = known.get(edge);
    const answer = answers.get(edge) ?? { resolved: zeroTally, unresolved: zeroTally, unanswered: zeroTally };
    const which =
      query === undefined || no > query.sentThrough
        ? "unanswered"
        : query.open.has(no)
          ? "unresolved"
          : "resolved";
    answers.set(edge, { ...answer, [which]: addTallies([answer[which], accepted]) });
  }
  return [...answers].map(([edge, answer]) => ({ edge, known: known.has(edge), ...answer }));
}
