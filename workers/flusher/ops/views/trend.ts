/** `/v1/audit/trend`: loss and lateness hour by hour, over all streams or one. */
import * as z from "zod";
import { plusHours } from "../../../../domain/hour.ts";
import { TypeName } from "../../../../domain/stream.ts";
import { type TrendReply, emptyTrendHour } from "../../../../domain/view/trend.ts";
import { trendHours } from "../../../../platform/catalog/views.ts";
import { type OpsCall, type OpsReply, checkedQuery } from "../http.ts";
import { rangeOf, rangeQuery, tagged } from "./reply.ts";

const TrendQuery = z.strictObject({ ...rangeQuery, type: TypeName.optional() });

export async function trendRoute(call: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(TrendQuery, call.query);
  if (!wanted.ok) return wanted;
  const range = rangeOf(wanted.value, call.now);
  const found = await trendHours(call.env.CATALOG, wanted.value.type ?? null, range, call.now);
  const known = new Map(found.map((entry) => [entry.hour, entry]));
  const reply: TrendReply = {
    format: 1,
    from: range.from,
    hours: Array.from({ length: range.hours }, (_, index) => {
      const hour = plusHours(range.from, index);
      return known.get(hour) ?? { ...emptyTrendHour, hour };
    }),
  };
  return tagged(call, reply);
}
