/**
 * `/v1/ops/export/:type/:hour/:index`: what a shard has stored, as lines of JSON, a page at a time. Asks the shard and nobody
 * else, and changes nothing. A page that is not the last one names the next in `hourseal-next`, to be given as `after`.
 */
import * as z from "zod";
import { ShardIndex } from "../../../../domain/ids.ts";
import { exportPageBytesMax } from "../../../../domain/limits.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { ExportCursor } from "../../../../domain/shard-export.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { shardKeeper } from "../../../../platform/stubs.ts";
import { type OpsCall, type OpsReply, addressParams, checked, checkedQuery } from "../http.ts";
import { unknownStream } from "../streams.ts";

const ExportQuery = z.strictObject({
  after: z
    .string()
    .refine((text) => ExportCursor.safeParse(text).success, {
      error: "after is what hourseal-next said with the page before",
    })
    .optional(),
  bytes: z.coerce.number().int().min(1).max(exportPageBytesMax).default(exportPageBytesMax),
});

const IndexParam = z.object({
  index: z
    .string()
    .regex(/^(0|[1-9]\d{0,5})$/, "a shard's number, like 0")
    .transform(Number)
    .pipe(ShardIndex),
});

export async function exportRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const shard = checked(IndexParam, call.params);
  if (!shard.ok) return shard;
  const query = checkedQuery(ExportQuery, call.query);
  if (!query.ok) return query;
  const { env } = call;
  const { after = null, bytes } = query.value;
  if ((await getStream(env.CATALOG, address.value.type)) === null)
    return no(await unknownStream(env, address.value.type));
  const keeper = shardKeeper(env.EVENT_SHARD, { ...address.value, ...shard.value });
  const { text, next } = await keeper.exportPage(after, bytes);
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
  return ok(new Response(text, { headers: next === null ? headers : { ...headers, "hourseal-next": next } }));
}
