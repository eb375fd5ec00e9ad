/** `/v1/audit/grid`: the state of every bucket of many streams, a letter each. `domain/view/state.ts` explains them. */
import * as z from "zod";
import { gridCellsMax } from "../../../../domain/limits.ts";
import { no } from "../../../../domain/refusal.ts";
import { TypeName } from "../../../../domain/stream.ts";
import { type GridReply, gridLine } from "../../../../domain/view/grid.ts";
import { gridBuckets, pageOfStreams } from "../../../../platform/catalog/views.ts";
import { type OpsCall, type OpsReply, checkedQuery } from "../http.ts";
import { rangeOf, rangeQuery, tagged } from "./reply.ts";

const GridQuery = z.strictObject({
  ...rangeQuery,
  after: TypeName.optional(),
  limit: z.coerce.number().int().min(1).max(gridCellsMax).optional(),
});

export async function gridRoute(call: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(GridQuery, call.query);
  if (!wanted.ok) return wanted;
  const { after = null, limit, hours } = wanted.value;
  const fits = Math.floor(gridCellsMax / hours);
  if (limit !== undefined && limit > fits) {
    const detail = `A page of the grid holds ${gridCellsMax} cells: at ${hours} hours, at most ${fits} streams. Ask for fewer, and go on with \`after\`.`;
    return no({ code: "too_much", what: "limit", limit: fits, detail });
  }
  const shown = limit ?? fits;
  const range = rangeOf(wanted.value, call.now);
  const found = await pageOfStreams(call.env.CATALOG, after, shown + 1);
  const streams = found.slice(0, shown);
  const [first, last] = [streams.at(0)?.stream.type, streams.at(-1)?.stream.type];
  const buckets =
    first === undefined || last === undefined
      ? new Map<string, []>()
      : await gridBuckets(call.env.CATALOG, { first, last }, range);
  const reply: GridReply = {
    format: 1,
    from: range.from,
    hours,
    streams: streams.map(({ stream, nextHour, end }) => ({
      type: stream.type,
      owner: stream.owner,
      priority: stream.priority,
      states: gridLine({ ...stream, nextHour, end }, buckets.get(stream.type) ?? [], range, call.now),
    })),
    next: found.length > shown ? (last ?? null) : null,
  };
  return tagged(call, reply);
}
