/**
 * `/v1/ops/rebuild-part/:type/:hour/:name`: puts one object of a sealed bucket back, with the very bytes that were sealed:
 * a part from the rows that its shards still keep, the manifest from its bucket, or the empty `_SUCCESS`.
 *
 * Promises: what is sound is left as it is; what is put has the sha256 that the manifest names (for the manifest itself:
 * that the catalog names), and replaces nothing but what was looked at. Repeated, it finds it sound. Then it is audited.
 */
import type { BucketAddress } from "../../../../domain/ids.ts";
import { bucketName, shardName } from "../../../../domain/ids.ts";
import { Manifest, type Part, bucketPrefix, manifestKey, successKey } from "../../../../domain/manifest.ts";
import { type RequestRefusal, type Result, no, ok } from "../../../../domain/refusal.ts";
import { type ObjectState, type StoredPart, keeperOf, objectState } from "../../../../domain/repair.ts";
import { clearPartChecks, requeueAudit } from "../../../../platform/catalog/audits.ts";
import { getBucket } from "../../../../platform/catalog/buckets.ts";
import { r2Objects, bytesOf, sha256Hex } from "../../../../platform/objects.ts";
import { look, putBack } from "../../../../platform/put-back.ts";
import { bucketKeeper, shardKeeper } from "../../../../platform/stubs.ts";
import { type OpsCall, type OpsEnv, type OpsReply, addressParams, json, readBody } from "../http.ts";
import { expired, noManifest } from "../no-manifest.ts";
import { ActionBody, act } from "./act.ts";

/** The bytes that were sealed, or why nobody has them. */
type Sealed = Result<Bytes, string>;
type Bytes = Uint8Array<ArrayBuffer>;

/** One object of a sealed bucket: what it must be, and who can make it again. */
interface Target {
  readonly key: string;
  readonly sha256: string;
  /** `shard 2026-11-23T10/0`, `bucket`. */
  readonly keeper: string;
  make(): Promise<Sealed>;
}

export async function rebuildPartRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const body = await readBody(call.request, ActionBody);
  if (!body.ok) return body;
  const { env } = call;
  const row = await getBucket(env.CATALOG, address.value);
  if (row === null || row.seal === null) return no(await noManifest(call, address.value));
  const gone = expired(address.value, row);
  if (gone !== null) return no(gone);
  const name = call.params["name"] ?? "";
  const found = await targetOf(env, address.value, row.seal.manifestSha256, name);
  if (!found.ok) return found;
  const { target, parts } = found.value;
  const seen = await look(env.EVENTS, target.key);
  const state = objectState(target.sha256, seen);
  const answer = { ...address.value, object: name, state, keeper: target.keeper, parts };
  const { dryRun } = body.value;
  // Sound, and the verdict says so: nothing is left to do, also not of an earlier try that was cut short.
  if (state === "sound" && (dryRun || row.verdict === "balanced")) return ok(json({ dryRun, ...answer }));
  // Of one that R2 has no sha256 of, the very bytes are there.
  const sealed = state === "unsigned" && seen !== null ? ok(seen.bytes) : await sealedBytes(target, state);
  if (!sealed.ok) return no(unmakeable(name, state, sealed.reason));
  const bytes = sealed.value;
  if (dryRun) return ok(json({ dryRun, ...answer, would: "put it back, and audit the bucket" }));
  const what = { action: "rebuild-part", target: `${bucketName(address.value)} ${name}` };
  const outcome = await act(call, what, body.value, async () => {
    const put = bytes !== null && (await putBack(env.EVENTS, target.key, bytes, target.sha256, seen));
    await clearPartChecks(env.CATALOG, address.value);
    return { was: state, put, queued: await requeueAudit(env.CATALOG, address.value, call.now) };
  });
  if (bytes !== null && !outcome.put) {
    const detail = `${name} was changed while it was looked at, and was left as it is; look again.`;
    return no({ code: "conflict", detail });
  }
  return ok(json({ dryRun, ...answer, ...outcome }));
}

async function targetOf(
  env: OpsEnv,
  address: BucketAddress,
  manifestSha256: string,
  name: string,
): Promise<Result<{ readonly target: Target; readonly parts: readonly string[] }, RequestRefusal>> {
  const prefix = bucketPrefix(address);
  const manifest = await sealedManifest(env, address, manifestSha256);
  if (!manifest.ok)
    return no({ code: "conflict", detail: `The manifest is not what was sealed, and ${manifest.reason}` });
  const { text, listed } = manifest.value;
  const parts = listed.parts.map(({ key }) => key.slice(prefix.length));
  const of = (target: Target) => ok({ target, parts });
  if (prefix + name === manifestKey(address)) {
    const make = () => Promise.resolve(ok(new Uint8Array(new TextEncoder().encode(text))));
    return of({ key: manifestKey(address), sha256: manifestSha256, keeper: "bucket", make });
  }
  if (prefix + name === successKey(address)) {
    const make = () => Promise.resolve(ok(new Uint8Array()));
    return of({
      key: successKey(address),
      sha256: await sha256Hex(new Uint8Array()),
      keeper: "bucket",
      make,
    });
  }
  const part = listed.parts.find(({ key }) => key === prefix + name);
  return part === undefined ? no({ code: "not_found" }) : of(partTarget(env, address, part));
}

function partTarget(env: OpsEnv, address: BucketAddress, { key, sha256, origin }: Part): Target {
  const shard = keeperOf(address, origin);
  const stored: () => Promise<StoredPart> =
    shard === null
      ? () => bucketKeeper(env.HOUR_BUCKET, address).storedPart(key)
      : () => shardKeeper(env.EVENT_SHARD, shard).storedPart(address.hour, key);
  const keeper = shard === null ? "bucket" : `shard ${shardName(shard)}`;
  const make = async (): Promise<Sealed> => {
    const part = await stored();
    return part.stored ? ok(part.bytes) : no(whyNot[part.why](keeper));
  };
  return { key, sha256, keeper, make };
}

const copy =
  "put it back from a copy of exactly its bytes, such as a folder of npm run pull: docs/runbook.md, R2 objects are lost";

const whyNot: Readonly<Record<Extract<StoredPart, { stored: false }>["why"], (keeper: string) => string>> = {
  dropped: () =>
    `its rows are not kept any more: they are dropped soon after the first balanced verdict, unless a freeze was there before; ${copy}.`,
  unknown: (keeper) => `the ${keeper} knows of no such part: its object has retired, or was lost; ${copy}.`,
  outgrown: () => `encoded today it is larger than a part may be: its encoder has changed; ${copy}.`,
};

/** Made again and compared: nothing else is ever put. */
async function sealedBytes(target: Target, state: ObjectState): Promise<Result<Bytes | null, string>> {
  if (state === "sound") return ok(null);
  const made = await target.make();
  if (!made.ok) return made;
  const sha256 = await sha256Hex(made.value);
  if (sha256 === target.sha256) return made;
  return no(
    `encoded again its rows are ${made.value.length} bytes with the sha256 ${sha256}, and not the sealed ones, with ${target.sha256}: another version of the encoder wrote them; the rows are all there, and are kept while the bucket is not balanced; ${copy}, or roll back to the version that sealed it, and do it again.`,
  );
}

function unmakeable(name: string, state: ObjectState, why: string): RequestRefusal {
  return { code: "conflict", detail: `${name} is ${state}, and cannot be made again: ${why}` };
}

/** The manifest that the catalog knows of: as it lies in R2, or else as its bucket froze it. */
async function sealedManifest(
  env: OpsEnv,
  address: BucketAddress,
  sha256: string,
): Promise<Result<{ readonly text: string; readonly listed: Manifest }, string>> {
  const inR2 = await r2Objects(env.EVENTS).get(manifestKey(address));
  const lying = inR2 === null ? null : await bytesOf(inR2.body);
  const text =
    lying !== null && (await sha256Hex(lying)) === sha256
      ? new TextDecoder().decode(lying)
      : await bucketKeeper(env.HOUR_BUCKET, address).storedManifest();
  if (text === null) return no(`its bucket does not know it any more: ${copy}.`);
  if ((await sha256Hex(new Uint8Array(new TextEncoder().encode(text)))) !== sha256)
    return no(`its bucket froze another one than the catalog knows of: ${copy}.`);
  return ok({ text, listed: Manifest.parse(JSON.parse(text)) });
}
