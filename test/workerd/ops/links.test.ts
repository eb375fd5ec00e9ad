import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { HourText, epochMs } from "../../../domain/hour.ts";
import { ShardIndex } from "../../../domain/ids.ts";
import { linkMsDefault, linkMsMax, linkMsMin } from "../../../domain/limits.ts";
import { manifestKey, manifestOf, manifestText, partKey } from "../../../domain/manifest.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { sha256Hex } from "../../../platform/objects.ts";
import { at, bucket, sealed, settings } from "../helpers.ts";
import { ask, newKey, noon } from "./ask.ts";

const address = bucket("a/b ∆?&#", "2026-11-23T10");
const path = `/v1/buckets/${encodeURIComponent(address.type)}/${address.hour}`;
const bytes = Uint8Array.from({ length: 500 }, (_, index) => index % 251);

const Links = z.strictObject({
  type: z.string(),
  hour: HourText,
  expiresAt: z.string(),
  manifest: z.string(),
  parts: z.array(
    z.strictObject({
      name: z.string(),
      format: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      url: z.string(),
    }),
  ),
});

beforeAll(async () => {
  await putStream(env.CATALOG, address.type, settings(), at("2026-11-23T09:00:00Z"));
  const part = {
    key: partKey(address, ShardIndex.parse(0), 1, "ndjson.gz"),
    format: "ndjson.gz" as const,
    origin: ShardIndex.parse(0),
    tally: sealed("2026-11-23T11:10:05Z").tally,
    plainBytes: 3_000,
    homeHours: { "2026-11-23T10": 3 },
    minTime: null,
    maxTime: null,
    bytes: bytes.length,
    sha256: await sha256Hex(bytes),
  };
  const manifest = manifestText(
    manifestOf({
      address,
      sealedAt: "2026-11-23T11:10:05.000Z",
      plan: null,
      parts: [part],
      shards: [],
      strays: [],
    }),
  );
  await env.EVENTS.put(manifestKey(address), manifest);
  await env.EVENTS.put(part.key, bytes, { sha256: part.sha256 });
});

async function makeLinks(key?: string): Promise<z.infer<typeof Links>> {
  const response = await ask(`POST ${path}/links`, key === undefined ? {} : { key });
  expect(response.status).toBe(201);
  return Links.parse(await response.json());
}

/** Follows a link as somebody who has nothing else. */
function follow(url: string, options: { readonly method?: string; readonly afterMs?: number } = {}) {
  const { pathname, search } = new URL(url);
  return ask(`${options.method ?? "GET"} ${pathname}${search}`, {
    key: null,
    now: epochMs(noon + (options.afterMs ?? 0)),
  });
}

async function codeOf(response: Response): Promise<unknown> {
  return z
    .looseObject({ type: z.string() })
    .parse(await response.json())
    .type.replace("urn:hourseal:problem:", "");
}

it("[RD4] opens the manifest and a part without a key, ranges too", async () => {
  const { manifest, parts } = await makeLinks();
  const opened = await follow(manifest);
  expect(opened.status).toBe(200);
  expect(await opened.json()).toMatchObject({ type: address.type, hour: address.hour });
  const [part] = parts;
  expect(part).toMatchObject({ name: "part-0-1.ndjson.gz", bytes: 500, sha256: await sha256Hex(bytes) });
  expect(new Uint8Array(await (await follow(part?.url ?? "")).arrayBuffer())).toEqual(bytes);
});

it("[RD4] opens until it expires", async () => {
  const { manifest, expiresAt } = await makeLinks();
  expect(expiresAt).toBe("2026-11-23T13:00:00.000Z");
  expect((await follow(manifest, { afterMs: linkMsDefault - 1 })).status).toBe(200);
  const late = await follow(manifest, { afterMs: linkMsDefault });
  expect([late.status, await codeOf(late)]).toEqual([403, "link_expired"]);
});

it("[RD4] altered anywhere opens nothing", async () => {
  const { manifest, parts } = await makeLinks();
  const url = new URL(manifest);
  const signature = url.searchParams.get("signature") ?? "";
  const expires = url.searchParams.get("expires") ?? "";
  const altered = [
    manifest.replace(
      signature,
      signature.replace(/.$/, (end) => (end === "0" ? "1" : "0")),
    ),
    manifest.replace(expires, String(Number(expires) + 1)),
    manifest.replace("T10", "T09"),
    manifest.replace("by=admin", "by=root"),
    `${parts[0]?.url.split("?")[0] ?? ""}?${url.searchParams.toString()}`,
    `https://hourseal.test/v1/buckets?${url.searchParams.toString()}`,
    `https://hourseal.test/v1/audit/report?${url.searchParams.toString()}`,
  ];
  for (const one of altered) {
    const response = await follow(one);
    expect([response.status, await codeOf(response)], one).toEqual([403, "bad_link"]);
  }
  expect((await follow(manifest, { method: "POST" })).status).toBe(403);
});

it("[RD4] ends with the key that made it, and is made by no key that may not read", async () => {
  const reader = await newKey("read:buckets");
  const { manifest } = await makeLinks(reader.key);
  expect((await follow(manifest)).status).toBe(200);
  expect((await ask(`DELETE /v1/keys/${reader.id}`)).status).toBe(204);
  const revoked = await follow(manifest);
  expect([revoked.status, await codeOf(revoked)]).toEqual([403, "bad_link"]);
  const writer = await newKey("write:*");
  expect((await ask(`POST ${path}/links`, { key: writer.key })).status).toBe(403);
});

it("[RD4] is signed with a secret: another deployment's opens nothing, and without one there are none", async () => {
  const { manifest } = await makeLinks();
  const { pathname, search } = new URL(manifest);
  const other = { HOURSEAL_ADMIN_KEY: "another-secret-that-is-long-enough" };
  expect((await ask(`GET ${pathname}${search}`, { key: null, env: other })).status).toBe(403);
  const none = await ask(`GET ${pathname}${search}`, { key: null, env: { HOURSEAL_ADMIN_KEY: "short" } });
  expect(none.status).toBe(503);
});

it("[RD4] lives from linkMsMin to linkMsMax, and only of an hour that is sealed", async () => {
  for (const expiresInMs of [linkMsMin, linkMsMax])
    expect((await ask(`POST ${path}/links`, { body: { expiresInMs } })).status).toBe(201);
  for (const expiresInMs of [linkMsMin - 1, linkMsMax + 1, 1.5])
    expect((await ask(`POST ${path}/links`, { body: { expiresInMs } })).status).toBe(422);
  expect((await ask(`POST ${path.replace("T10", "T12")}/links`)).status).toBe(409);
});
