/** `/v1/streams`: register, change, list, look up. */
import { drainedOf } from "../../../domain/drain.ts";
import { isoOf } from "../../../domain/hour.ts";
import { nearMatches } from "../../../domain/near.ts";
import { type RequestRefusal, no, ok } from "../../../domain/refusal.ts";
import { StreamSettings, TypeName } from "../../../domain/stream.ts";
import { neverRenamed } from "../../../domain/stream-change.ts";
import { putStream, readStreams } from "../../../platform/catalog/stream-changes.ts";
import { getSchema } from "../../../platform/catalog/stream-schemas.ts";
import { type CatalogStream, getStream, listStreams } from "../../../platform/catalog/streams.ts";
import { type OpsCall, type OpsEnv, type OpsReply, json, readBody, typeParam } from "./http.ts";
import { publish, unpublished } from "./publish.ts";

const nearMax = 3;

/** Settings, and the type as it is answered. */
const Put = StreamSettings.extend({ type: TypeName.optional() });

/** Answers 201 for a new stream and 200 for one that was there. Repeating it is safe. */
export async function putStreamRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const body = await readBody(call.request, Put);
  if (!body.ok) return body;
  const { type: named = type.value, ...settings } = body.value;
  if (named !== type.value) {
    const refused = [{ type: type.value, setting: null, reason: `it is not renamed: ${neverRenamed}` }];
    return no({ code: "change_refused", refused });
  }
  const by = { author: "", keyId: call.keyId, note: "" };
  const put = await putStream(call.env.CATALOG, type.value, settings, call.now, by);
  if (!put.ok) return no({ code: "change_refused", refused: put.reason });
  const { stream, created } = put.value;
  return (await publish(call)) ? ok(json(streamJson(stream), created ? 201 : 200)) : no(unpublished);
}

/** With the version that a change of them is based on. */
export async function listStreamsRoute({ env }: OpsCall): Promise<OpsReply> {
  const { version, streams } = await readStreams(env.CATALOG);
  return ok(json({ version, streams: streams.map(streamJson) }));
}

export async function getStreamRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const stream = await getStream(call.env.CATALOG, type.value);
  return stream === null ? no(await unknownStream(call.env, type.value)) : ok(json(streamJson(stream)));
}

/** The schema that rows of this version were checked by. It never changes. */
export async function getSchemaRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const version = /^[1-9]\d{0,8}$/.test(call.params["version"] ?? "") ? Number(call.params["version"]) : 0;
  const found = await getSchema(call.env.CATALOG, type.value, version);
  if (found !== null) return ok(json(found.schema));
  const stream = await getStream(call.env.CATALOG, type.value);
  return no(stream === null ? await unknownStream(call.env, type.value) : { code: "not_found" });
}

/** The refusal for a type that nobody registered, with the ones that may have been meant. */
export async function unknownStream({ CATALOG }: OpsEnv, type: string): Promise<RequestRefusal> {
  const streams = await listStreams(CATALOG);
  const near = nearMatches(
    type,
    streams.map(({ stream }) => stream.type),
    nearMax,
  );
  return { code: "unknown_stream", type, near };
}

function streamJson({
  stream: { drain, ...stream },
  createdAtMs,
  updatedAtMs,
  version,
  removed,
  end,
}: CatalogStream): object {
  return {
    ...stream,
    drained: drainedOf(drain),
    createdAt: isoOf(createdAtMs),
    updatedAt: isoOf(updatedAtMs),
    version,
    removedAt: removed === null ? null : isoOf(removed.atMs),
    lastHour: removed?.lastHour ?? null,
    end,
  };
}
