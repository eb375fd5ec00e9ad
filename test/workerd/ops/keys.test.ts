/** Keys of owners: listed and rotated by them, with an overlap, and no further than they got. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type EpochMs, epochMs } from "../../../domain/hour.ts";
import { keyOverlapMsDefault, keyOverlapMsMax } from "../../../domain/limits.ts";
import { overriding } from "../helpers.ts";
import { ask, noon } from "./ask.ts";

const Made = z.looseObject({ id: z.string(), key: z.string() });
type Made = z.infer<typeof Made>;

async function make(owner: string, ...scopes: string[]): Promise<Made> {
  const response = await ask("POST /v1/keys", { body: { scopes, owner, note: `of ${owner}` } });
  expect(response.status).toBe(201);
  return Made.parse(await response.json());
}

function rotate(id: string, key: string | undefined, body: object = {}, now: EpochMs = noon) {
  return ask(`POST /v1/keys/${id}/rotate`, { ...(key === undefined ? {} : { key }), body, now });
}

async function ids(key?: string): Promise<string[]> {
  const reply = await ask("GET /v1/keys", key === undefined ? {} : { key });
  const { keys } = z.object({ keys: z.array(z.looseObject({ id: z.string() })) }).parse(await reply.json());
  return keys.map(({ id }) => id);
}

const reads = async (key: string, now: EpochMs): Promise<number> =>
  (await ask("GET /v1/buckets", { key, now })).status;

const later = (ms: number): EpochMs => epochMs(noon + ms);

describe("[KE8] an owner", () => {
  it("lists its own keys and nobody else's; an administrator lists all", async () => {
    const own = await make("shop", "keys");
    const also = await make("shop", "write:shop.*");
    const other = await make("web", "write:web.*");
    const nobody = await make("", "read:audit");
    expect(await ids(own.key)).toEqual(expect.arrayContaining([own.id, also.id]));
    expect(await ids(own.key)).not.toEqual(expect.arrayContaining([other.id]));
    expect(await ids(own.key)).toHaveLength(2);
    expect(await ids()).toEqual(expect.arrayContaining([own.id, also.id, other.id, nobody.id]));
    expect((await ask("GET /v1/keys", { key: also.key })).status).toBe(403);
  });

  it("without a name has no keys of its own", async () => {
    const { key } = await make("", "keys");
    const nobody = await make("", "read:buckets");
    expect((await ask("GET /v1/keys", { key })).status).toBe(409);
    expect((await rotate(nobody.id, key)).status).toBe(404);
  });

  it("rotates its key: both are good for the overlap, then the old one has ended by the edge's own clock", async () => {
    const own = await make("rotating", "keys");
    const bounded = { scopes: ["read:buckets", "source:/x"], owner: "rotating", note: "of rotating" };
    const made = await ask("POST /v1/keys", { body: { ...bounded, eventsPerSecondMax: 7 } });
    const old = Made.parse(await made.json());
    const response = await rotate(old.id, own.key);
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const reply = Made.parse(await response.json());
    expect(reply).toMatchObject({
      ...bounded,
      replaces: { id: old.id, expiresAt: new Date(later(keyOverlapMsDefault)).toISOString() },
      published: true,
    });
    expect(await reads(old.key, later(keyOverlapMsDefault - 1))).toBe(200);
    expect(await reads(reply.key, later(keyOverlapMsDefault - 1))).toBe(200);
    expect(await reads(old.key, later(keyOverlapMsDefault))).toBe(401);
    expect(await reads(reply.key, later(keyOverlapMsDefault))).toBe(200);
    const { keys } = z
      .object({ keys: z.array(z.looseObject({ id: z.string() })) })
      .parse(await (await ask("GET /v1/keys", { key: own.key })).json());
    expect(keys.find(({ id }) => id === old.id)).toMatchObject({
      replacedBy: reply.id,
      revokedAt: null,
    });
    expect(keys.find(({ id }) => id === reply.id)).toMatchObject({ ...bounded, eventsPerSecondMax: 7 });
  });

  it("chooses the overlap, from none to its longest", async () => {
    const own = await make("choosing", "keys");
    const [none, longest, over] = [
      await make("choosing", "read:buckets"),
      await make("choosing", "read:buckets"),
      await make("choosing", "read:buckets"),
    ];
    expect((await rotate(none.id, own.key, { overlapMs: 0 })).status).toBe(201);
    expect(await reads(none.key, noon)).toBe(401);
    expect((await rotate(longest.id, own.key, { overlapMs: keyOverlapMsMax })).status).toBe(201);
    expect(await reads(longest.key, later(keyOverlapMsMax - 1))).toBe(200);
    expect(await reads(longest.key, later(keyOverlapMsMax))).toBe(401);
    expect((await rotate(over.id, own.key, { overlapMs: keyOverlapMsMax + 1 })).status).toBe(422);
  });

  it("rotates a key once: the second time names its successor; nor one that was revoked or has ended", async () => {
    const own = await make("once", "keys");
    const old = await make("once", "read:buckets");
    const both = await Promise.all([rotate(old.id, own.key), rotate(old.id, own.key)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    const again = await rotate(old.id, own.key);
    expect(again.status).toBe(409);
    expect(await again.text()).toContain("was rotated to");
    expect(await ids(own.key)).toHaveLength(3);
    const gone = await make("once", "read:buckets");
    await ask(`DELETE /v1/keys/${gone.id}`);
    expect((await rotate(gone.id, own.key)).status).toBe(409);
  });

  it("rotates no key of another owner, and none that is more than a key", async () => {
    const own = await make("modest", "keys");
    const other = await make("other", "read:buckets");
    const admin = await make("modest", "admin");
    expect((await rotate(other.id, own.key)).status).toBe(404);
    expect((await rotate(admin.id, own.key)).status).toBe(404);
    expect((await rotate("ffffffffffff", own.key)).status).toBe(404);
    const writer = await make("modest", "write:*");
    expect((await rotate(writer.id, writer.key)).status).toBe(403);
    expect((await rotate(admin.id, undefined)).status).toBe(201);
  });
});

it("[KE8] a key whose successor could not be published goes on for its overlap, and both are known with the next snapshot", async () => {
  const old = await make("unpublished", "read:buckets");
  const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
  const response = await ask(`POST /v1/keys/${old.id}/rotate`, { env: { EVENTS } });
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ published: false });
  expect(await reads(old.key, noon)).toBe(200);
});
