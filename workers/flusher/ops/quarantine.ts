/**
 * `/v1/streams/:type/quarantine`: what of a stream is in quarantine, of one sealed hour, in pages.
 *
 * Promises that pages read one after the other hold every such event once: the hour is sealed, and rows have their places.
 * A page begins where the one before ended; the parts before that are not read again.
 */
import * as z from "zod";
import { HourText, parseHour } from "../../../domain/hour.ts";
import { quarantinePageBytes, quarantinePageRowsMax } from "../../../domain/limits.ts";
import { type Quarantined, quarantineType, quarantinedOf } from "../../../domain/quarantine.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { linesOf } from "../../../platform/part-lines.ts";
import { type OpsCall, type OpsReply, checked, json, typeParam } from "./http.ts";
import { goneOrLost } from "./no-manifest.ts";
import { readManifest } from "./parts.ts";

/** `<part>.<row>`: the first row that is not told yet. */
const Cursor = z
  .string()
  .regex(/^\d{1,6}\.\d{1,9}$/, "after is the `next` of the page before")
  .transform((text) => {
    const [part, row] = text.split(".").map(Number);
    return { part: part ?? 0, row: row ?? 0 };
  });

const Query = z.strictObject({
  hour: HourText,
  after: Cursor.default({ part: 0, row: 0 }),
  limit: z.coerce.number().int().min(1).max(quarantinePageRowsMax).default(quarantinePageRowsMax),
});

export async function quarantineRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const given = call.query.get("hour") ?? "";
  if (parseHour(given) === null) return no({ code: "malformed_hour", where: "the query", given });
  const query = checked(Query, Object.fromEntries(call.query));
  if (!query.ok) return query;
  const { hour, after, limit } = query.value;
  const address = { type: quarantineType, hour };
  const manifest = await readManifest(call, address);
  if (!manifest.ok) return manifest;

  const events: Quarantined[] = [];
  let told = 0;
  const parts = manifest.value.parts.filter(({ format }) => format === "ndjson.gz");
  for (const [index, { key }] of parts.entries()) {
    if (index < after.part) continue;
    const object = await call.env.EVENTS.get(key);
    if (object === null) return no(await goneOrLost(call, address, key));
    const bytes = object.body as ReadableStream<Uint8Array>;
    let row = 0;
    for await (const line of linesOf(bytes)) {
      row++;
      if (index === after.part && row <= after.row) continue;
      const found = quarantinedOf(line, type.value);
      if (found === null) continue;
      events.push(found);
      told += line.length;
      if (events.length === limit || told > quarantinePageBytes)
        return ok(json({ type: type.value, hour, events, next: `${index}.${row}` }));
    }
  }
  return ok(json({ type: type.value, hour, events, next: null }));
}
