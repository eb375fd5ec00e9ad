/**
 * `/v1/stream-changes`: what a change of streams would do, making it, and the history of all that were made.
 *
 * Promises: a change is made as a whole or not at all, on the version that it was reviewed on; repeating one is safe.
 */
import * as z from "zod";
import { isoOf } from "../../../domain/hour.ts";
import { authorCharsMax, configBodyBytesMax, streamsMax } from "../../../domain/limits.ts";
import { type RequestRefusal, no, ok } from "../../../domain/refusal.ts";
import { StreamSettings, TypeName } from "../../../domain/stream.ts";
import { type StreamChange, fieldChanges, planChange } from "../../../domain/stream-change.ts";
import { changeStreams, currentSettings, readStreams } from "../../../platform/catalog/stream-changes.ts";
import { type StreamVersion, listStreamVersions } from "../../../platform/catalog/stream-versions.ts";
import { type OpsCall, type OpsReply, checked, json, readBody } from "./http.ts";
import { publish, unpublished } from "./publish.ts";

const Named = z.strictObject({ type: TypeName, settings: StreamSettings });
const Wanted = z.strictObject({
  streams: z.array(Named).max(streamsMax),
  /** Streams to remove. One that is left out of `streams` stays as it is. */
  remove: z.array(TypeName).max(streamsMax).default([]),
});
const Change = Wanted.extend({
  base: z.number().int().min(0),
  author: z.string().max(authorCharsMax).default(""),
  note: z.string().max(authorCharsMax).default(""),
});

/** What it would do, by the streams as they are; nothing is changed. A change that is refused says so with its reasons. */
export async function planChangeRoute({ request, env }: OpsCall): Promise<OpsReply> {
  const body = await readBody(request, Wanted, configBodyBytesMax);
  if (!body.ok) return body;
  const { version, streams } = await readStreams(env.CATALOG);
  const plan = planChange(streams.map(currentSettings), body.value.streams, body.value.remove);
  return ok(
    json({
      base: version,
      changes: plan.ok ? plan.changes.map(changeJson) : [],
      refused: plan.ok ? [] : plan.refused,
    }),
  );
}

export async function changeStreamsRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, Change, configBodyBytesMax);
  if (!body.ok) return body;
  const { streams, remove, base, author, note } = body.value;
  const by = { author, note, keyId: call.keyId };
  const outcome = await changeStreams(call.env.CATALOG, streams, base, by, call.now, remove);
  switch (outcome.outcome) {
    case "refused":
      return no({ code: "change_refused", refused: outcome.refused });
    case "conflict":
      return no(stale(base, outcome.version));
    case "applied": {
      const { version, changes } = outcome;
      return (await publish(call))
        ? ok(json({ version, changes: changes.map(changeJson) }))
        : no(unpublished);
    }
  }
}

function stale(base: number, version: number): RequestRefusal {
  return {
    code: "conflict",
    detail: `The change is based on version ${base} and the streams are at version ${version}; plan it again and look at it.`,
  };
}

const historyPageMax = 100;

const HistoryQuery = z.strictObject({
  type: TypeName.optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(historyPageMax).default(20),
});

/** Newest first; `next`, given as `before`, is the page after. */
export async function historyRoute({ env, query }: OpsCall): Promise<OpsReply> {
  const wanted = checked(HistoryQuery, Object.fromEntries(query));
  if (!wanted.ok) return wanted;
  const { limit, ...filter } = wanted.value;
  const versions = await listStreamVersions(env.CATALOG, filter, limit);
  const next = versions.length === limit ? (versions.at(-1)?.version ?? null) : null;
  return ok(json({ versions: versions.map(versionJson), next }));
}

function versionJson({ changedAtMs, changes, ...version }: StreamVersion): object {
  return {
    ...version,
    changedAt: isoOf(changedAtMs),
    changes: changes.map(({ type, change, before, after }) => ({
      change,
      type,
      before,
      after,
      fields: before === null || after === null ? [] : fieldChanges(before, after),
    })),
  };
}

function changeJson(change: StreamChange): object {
  return { before: null, fields: [], ...change };
}
