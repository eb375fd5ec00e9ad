import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { configBodyBytesMax } from "../../../domain/limits.ts";
import { parseSnapshot, snapshotKey } from "../../../domain/snapshot.ts";
import { overriding } from "../helpers.ts";
import { ask, newKey } from "./ask.ts";

async function baseNow(): Promise<number> {
  const listed: { version: number } = await (await ask("GET /v1/streams")).json();
  return listed.version;
}

async function published(name: string): Promise<unknown> {
  const parsed = parseSnapshot((await (await env.EVENTS.get(snapshotKey))?.text()) ?? "");
  return parsed.ok ? parsed.value.streams.get(name) : null;
}

function setting(type: string, settings: object = {}) {
  return { type, settings };
}

describe("a change", () => {
  it("[CF1] is planned without changing anything, then made on the version it was planned on", async () => {
    const streams = [setting("planned", { owner: "us", graceMs: 0 })];
    const planned = await ask("POST /v1/stream-changes/plan", { body: { streams } });
    const base = await baseNow();
    expect(await planned.json()).toMatchObject({
      base,
      changes: [{ change: "add", type: "planned", before: null, after: { owner: "us" } }],
      refused: [],
    });
    expect((await ask("GET /v1/streams/planned")).status).toBe(404);
    const body = { streams, base, author: "me", note: "first" };
    const made = await ask("POST /v1/stream-changes", { body });
    expect([made.status, await made.json()]).toMatchObject([200, { version: base + 1 }]);
    expect(await published("planned")).toMatchObject({ owner: "us", graceMs: 0 });
    const again = await ask("POST /v1/stream-changes", { body });
    expect([again.status, await again.json()]).toEqual([200, { version: base + 1, changes: [] }]);
  });

  it("[CF1] on another version is 409, and says at which the streams are", async () => {
    const base = await baseNow();
    await ask("PUT /v1/streams/in-between");
    const late = await ask("POST /v1/stream-changes", { body: { base, streams: [setting("late")] } });
    expect(late.status).toBe(409);
    expect(await late.text()).toContain(`the streams are at version ${base + 1}`);
    expect((await ask("GET /v1/streams/late")).status).toBe(404);
  });

  it("[CF3] that is refused in one stream changes none, and says which setting and why", async () => {
    const bad = setting("bad", { graceMs: 60_000, targetLatenessMs: 1_000 });
    const streams = [setting("good"), bad];
    const planned = await ask("POST /v1/stream-changes/plan", { body: { streams } });
    expect(await planned.json()).toMatchObject({
      changes: [],
      refused: [{ type: "bad", setting: "targetLatenessMs" }],
    });
    const response = await ask("POST /v1/stream-changes", { body: { base: await baseNow(), streams } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      type: "urn:hourseal:problem:change_refused",
      refused: [{ type: "bad", setting: "targetLatenessMs" }],
    });
    expect((await ask("GET /v1/streams/good")).status).toBe(404);
    expect((await ask("PUT /v1/streams/bad", { body: bad.settings })).status).toBe(422);
  });

  it("whose form is wrong is 422 with where; one over its bytes is 413", async () => {
    const wrong = { base: 0, streams: [setting("w", { shards: 0 }), setting("v", { colour: 1 })] };
    const response = await ask("POST /v1/stream-changes", { body: wrong });
    expect(response.status).toBe(422);
    const text = await response.text();
    expect(text).toContain("streams[0].settings.shards");
    expect(text).toContain("colour");
    const atLimit = " ".repeat(configBodyBytesMax);
    expect((await ask("POST /v1/stream-changes", { body: atLimit })).status).toBe(422);
    expect((await ask("POST /v1/stream-changes", { body: `${atLimit} ` })).status).toBe(413);
  });

  it("that the edges cannot read yet is not answered as done; repeating it is", async () => {
    const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
    const body = { base: await baseNow(), streams: [setting("repeated")] };
    expect((await ask("POST /v1/stream-changes", { body, env: { EVENTS } })).status).toBe(503);
    expect((await ask("POST /v1/stream-changes", { body })).status).toBe(200);
    expect(await published("repeated")).toMatchObject({ type: "repeated" });
  });

  it("[KE2] is for administrators", async () => {
    const { key } = await newKey("read:buckets", "read:audit", "write:*");
    for (const line of [
      "GET /v1/stream-changes",
      "POST /v1/stream-changes",
      "POST /v1/stream-changes/plan",
    ]) {
      expect((await ask(line, { key })).status).toBe(403);
    }
  });
});

describe("[CF4] the history", () => {
  it("names who changed what, with the key, in pages", async () => {
    const { key, id } = await newKey("admin");
    const base = await baseNow();
    const streams = [setting("historic", { owner: "a" })];
    await ask("POST /v1/stream-changes", { key, body: { base, streams, author: "Ann", note: "why" } });
    await ask("PUT /v1/streams/historic", { body: { owner: "b" } });
    const response = await ask("GET /v1/stream-changes?type=historic&limit=1");
    expect(await response.json()).toMatchObject({
      versions: [
        {
          version: base + 2,
          keyId: "admin",
          changes: [{ fields: [{ setting: "owner", from: "a", to: "b" }] }],
        },
      ],
      next: base + 2,
    });
    const older = await ask(`GET /v1/stream-changes?type=historic&before=${base + 2}`);
    expect(await older.json()).toMatchObject({
      versions: [
        { version: base + 1, author: "Ann", note: "why", keyId: id, changedAt: "2026-11-23T12:00:00.000Z" },
      ],
      next: null,
    });
  });
});
