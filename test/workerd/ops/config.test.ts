import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { snapshotMaxAgeMs } from "../../../domain/limits.ts";
import { epochMs } from "../../../domain/hour.ts";
import { parseKey } from "../../../domain/key.ts";
import { parseSnapshot, snapshotKey } from "../../../domain/snapshot.ts";
import { repairSnapshot } from "../../../platform/snapshot.ts";
import { overriding } from "../helpers.ts";
import { ask, newKey, noon } from "./ask.ts";

async function snapshot() {
  const parsed = parseSnapshot((await (await env.EVENTS.get(snapshotKey))?.text()) ?? "");
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

describe("streams", () => {
  it("are registered with 201, changed with 200, read back and listed", async () => {
    const created = await ask("PUT /v1/streams/com.example.order", { body: {} });
    expect(created.status).toBe(201);
    const expected = {
      type: "com.example.order",
      firstHour: "2026-11-23T12",
      priority: "normal",
      graceMs: 600_000,
      createdAt: "2026-11-23T12:00:00.000Z",
      version: 1,
    };
    expect(await created.json()).toMatchObject(expected);
    const changed = await ask("PUT /v1/streams/com.example.order", {
      body: { priority: "high", owner: "orders" },
    });
    expect(changed.status).toBe(200);
    const after = { ...expected, priority: "high", owner: "orders", version: 2 };
    expect(await (await ask("GET /v1/streams/com.example.order")).json()).toMatchObject(after);
    expect(await (await ask("GET /v1/streams/")).json()).toMatchObject({
      streams: expect.arrayContaining([expect.objectContaining(after)]) as unknown,
    });
  });

  it("an empty body registers one with the defaults", async () => {
    expect((await ask("PUT /v1/streams/defaults")).status).toBe(201);
  });

  it.each(["a/b", "a%2Fb", "ünï ∆ 🦭", "a b+c&d=e?f#g", "..a", "%"])("[KE6] %s is a type", async (name) => {
    const path = `/v1/streams/${encodeURIComponent(name)}`;
    expect((await ask(`PUT ${path}`)).status).toBe(201);
    expect(await (await ask(`GET ${path}`)).json()).toMatchObject({ type: name });
    expect((await snapshot()).streams.get(name)).toMatchObject({ type: name });
  });

  it("one that does not exist is answered with what may have been meant", async () => {
    await ask("PUT /v1/streams/PullRequestEvent");
    const response = await ask("GET /v1/streams/PullRequsetEvent");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ near: ["PullRequestEvent"] });
  });

  it("two registrations at once: one 201, one 200, one stream", async () => {
    const both = await Promise.all([ask("PUT /v1/streams/at-once"), ask("PUT /v1/streams/at-once")]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 201]);
    expect((await snapshot()).streams.has("at-once")).toBe(true);
  });

  it("a change that the edges cannot read yet is not answered as done, and cron publishes it", async () => {
    const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
    const response = await ask("PUT /v1/streams/unpublished", { env: { EVENTS } });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect((await snapshot()).streams.has("unpublished")).toBe(false);
    expect(await repairSnapshot(env, noon)).toBe(true);
    expect((await snapshot()).streams.has("unpublished")).toBe(true);
    expect((await ask("PUT /v1/streams/unpublished")).status).toBe(200);
  });
});

describe("keys", () => {
  it("are shown once, kept as a hash, and work at once", async () => {
    const response = await ask("POST /v1/keys", {
      body: { scopes: ["read:audit", "write:a*"], note: "dash" },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const created: Record<string, unknown> = await response.json();
    expect(created).toMatchObject({ scopes: ["read:audit", "write:a*"], note: "dash", published: true });
    const text = String(created["key"]);
    expect(parseKey(text)?.id).toBe(created["id"]);
    expect((await ask("GET /v1/audit/report", { key: text })).status).toBe(200);

    const listed = await (await ask("GET /v1/keys")).text();
    expect(listed).toContain(String(created["id"]));
    const secret = parseKey(text)?.secret ?? "";
    const hash = (await snapshot()).keys.get(String(created["id"]))?.hash ?? "";
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const dump = JSON.stringify((await env.CATALOG.prepare("SELECT * FROM keys").all()).results);
    expect(dump).toContain(hash);
    for (const place of [listed, dump, await (await env.EVENTS.get(snapshotKey))?.text()]) {
      expect(place).not.toContain(secret);
    }
    expect(listed).not.toContain(hash);
  });

  it.each([
    [{}],
    [{ scopes: [] }],
    [{ scopes: ["write:"] }],
    [{ scopes: ["everything"] }],
    [{ scopes: ["admin"], note: "x".repeat(201) }],
    [{ scopes: ["admin"], id: "mine" }],
  ])("%j makes none", async (body) => {
    expect((await ask("POST /v1/keys", { body })).status).toBe(422);
  });

  it("[KE4] a revoked key ends here at once and elsewhere with the snapshot; revoking again is the same", async () => {
    const { id, key } = await newKey("read:buckets");
    expect((await ask("GET /v1/buckets", { key })).status).toBe(200);
    expect((await ask(`DELETE /v1/keys/${id}`)).status).toBe(204);
    expect((await ask("GET /v1/buckets", { key })).status).toBe(401);
    expect((await ask(`DELETE /v1/keys/${id}`, { now: epochMs(noon + 5_000) })).status).toBe(204);
    expect((await snapshot()).keys.has(id)).toBe(false);
    expect((await ask("GET /v1/buckets", { key, now: epochMs(noon + snapshotMaxAgeMs + 1) })).status).toBe(
      401,
    );
    const { keys }: { keys: { id: string; revokedAt: string | null }[] } = await (
      await ask("GET /v1/keys")
    ).json();
    expect(keys.find((listed) => listed.id === id)?.revokedAt).toBe("2026-11-23T12:00:00.000Z");
  });

  it("a revocation that edges cannot read yet is not answered as done", async () => {
    const { id } = await newKey("read:buckets");
    const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
    expect((await ask(`DELETE /v1/keys/${id}`, { env: { EVENTS } })).status).toBe(503);
    expect((await ask(`DELETE /v1/keys/${id}`)).status).toBe(204);
  });

  it("a key whose publication fails is shown all the same: it cannot be shown again", async () => {
    const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
    const response = await ask("POST /v1/keys", { body: { scopes: ["read:buckets"] }, env: { EVENTS } });
    expect(response.status).toBe(201);
    const created: Record<string, unknown> = await response.json();
    expect(created).toMatchObject({ published: false });
    await repairSnapshot(env, noon);
    const later = epochMs(noon + 3_600_000);
    expect((await ask("GET /v1/buckets", { key: String(created["key"]), now: later })).status).toBe(200);
  });

  it("no log line holds a key", async () => {
    const lines = vi.spyOn(console, "log");
    const { key } = await newKey("write:*");
    await ask("GET /v1/streams", { key });
    await ask("GET /v1/streams", { key: `${key}x` });
    await ask("GET /v1/streams", { key: `${key}x`, env: { HOURSEAL_ADMIN_KEY: "short" } });
    expect(JSON.stringify(lines.mock.calls)).not.toContain(parseKey(key)?.secret);
    lines.mockRestore();
  });
});
