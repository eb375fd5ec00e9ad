import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { type EpochMs, epochMs } from "../../domain/hour.ts";
import { keyOutageMsMax, snapshotMaxAgeMs, snapshotMinAgeMs, snapshotReadMs } from "../../domain/limits.ts";
import { parseSnapshot, snapshotKey } from "../../domain/snapshot.ts";
import { insertKey, revokeKey } from "../../platform/catalog/keys.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { bumpVersion, configVersion } from "../../platform/catalog/version.ts";
import { SnapshotSource, repairSnapshot, writeSnapshot } from "../../platform/snapshot.ts";
import { at, overriding, settings, type } from "./helpers.ts";

const start = at("2026-11-23T10:00:00Z");
const later = (ms: number): EpochMs => epochMs(start + ms);

beforeEach(async () => {
  await env.EVENTS.delete(snapshotKey);
});

async function stored() {
  const object = await env.EVENTS.get(snapshotKey);
  if (object === null) return null;
  const parsed = parseSnapshot(await object.text());
  return parsed.ok ? parsed.value : "broken";
}

/** R2 that counts its reads and can be told what to do instead of one. */
function countedObjects() {
  const calls = { gets: 0, instead: null as (() => Promise<R2ObjectBody | null>) | null };
  const get = (key: string, options?: R2GetOptions) => {
    calls.gets++;
    return calls.instead === null ? env.EVENTS.get(key, options) : calls.instead();
  };
  return { calls, env: { EVENTS: overriding(env.EVENTS, { get }) } };
}

describe("writing", () => {
  it("writes what the catalog holds: streams and keys that are not revoked", async () => {
    await putStream(env.CATALOG, type("written"), settings({ owner: "us" }), start);
    const key = {
      hash: "0".repeat(64),
      scopes: ["write:*"],
      note: "secret note",
      owner: "",
      expiresAtMs: null,
      eventsPerSecondMax: null,
      eventsPerHourMax: null,
      eventsPerDayMax: null,
    };
    await insertKey(env.CATALOG, { ...key, id: "kept" }, start);
    await insertKey(env.CATALOG, { ...key, id: "revoked" }, start);
    await revokeKey(env.CATALOG, "revoked", start);
    await writeSnapshot(env, start);
    const object = await env.EVENTS.get(snapshotKey);
    const text = (await object?.text()) ?? "";
    const parsed = parseSnapshot(text);
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(parsed.value.version).toBe(await configVersion(env.CATALOG));
    expect(parsed.value.streams.get("written")).toMatchObject({ owner: "us", firstHour: "2026-11-23T10" });
    expect([...parsed.value.keys.keys()]).toEqual(["kept"]);
    expect(text).not.toContain("secret note");
  });

  it("many writers at once leave the newest version", async () => {
    await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        await putStream(env.CATALOG, type(`racing-${index}`), settings(), start);
        await writeSnapshot(env, start);
      }),
    );
    const snapshot = await stored();
    if (snapshot === null || snapshot === "broken") throw new Error("there is no snapshot");
    expect(snapshot.version).toBe(await configVersion(env.CATALOG));
    for (let index = 0; index < 6; index++) expect(snapshot.streams.has(`racing-${index}`)).toBe(true);
  });

  it("a slow writer does not replace what a faster one wrote in between", async () => {
    await writeSnapshot(env, start);
    let raced = false;
    const put = async (key: string, text: string, options: R2PutOptions) => {
      if (!raced) {
        raced = true;
        await putStream(env.CATALOG, type("faster"), settings(), start);
        await writeSnapshot(env, start);
      }
      return env.EVENTS.put(key, text, options);
    };
    await putStream(env.CATALOG, type("slower"), settings(), start);
    await writeSnapshot({ ...env, EVENTS: overriding(env.EVENTS, { put }) }, start);
    expect(await stored()).toMatchObject({ version: await configVersion(env.CATALOG) });
  });

  it("[KE5] never goes back: a catalog behind the object is an error that says what to do", async () => {
    await writeSnapshot(env, start);
    const text = (await (await env.EVENTS.get(snapshotKey))?.text()) ?? "";
    await env.EVENTS.put(snapshotKey, text.replace(/"version": \d+/, '"version": 999999'));
    await expect(writeSnapshot(env, start)).rejects.toThrow("UPDATE config SET version = 1000000");
    expect(await stored()).toMatchObject({ version: 999_999 });
  });

  it("a broken object is replaced", async () => {
    await env.EVENTS.put(snapshotKey, '{"format":1,"vers');
    expect(await repairSnapshot(env, start)).toBe(true);
    expect(await stored()).toMatchObject({ version: await configVersion(env.CATALOG) });
  });

  it("cron repairs what a crash between catalog and object left, and writes nothing otherwise", async () => {
    await writeSnapshot(env, start);
    expect(await repairSnapshot(env, start)).toBe(false);
    await bumpVersion(env.CATALOG).run();
    expect(await repairSnapshot(env, start)).toBe(true);
    expect(await stored()).toMatchObject({ version: await configVersion(env.CATALOG) });
    await env.EVENTS.delete(snapshotKey);
    expect(await repairSnapshot(env, start)).toBe(true);
  });
});

describe("reading", () => {
  it("where nothing was ever written, nothing is configured", async () => {
    expect(await new SnapshotSource().current(env, start)).toMatchObject({ version: 0 });
  });

  it("[KE4] reads again when what is held is older than its age, and not before", async () => {
    await writeSnapshot(env, start);
    const { calls, env: counted } = countedObjects();
    const source = new SnapshotSource();
    const first = await source.current(counted, start);
    await bumpVersion(env.CATALOG).run();
    await writeSnapshot(env, start);
    expect(await source.current(counted, later(snapshotMaxAgeMs))).toBe(first);
    expect(calls.gets).toBe(1);
    const second = await source.current(counted, later(snapshotMaxAgeMs + 1));
    expect(second.version).toBe(first.version + 1);
    expect(calls.gets).toBe(2);
    expect(await source.current(counted, later(2 * snapshotMaxAgeMs + 2))).toBe(second);
    expect(calls.gets).toBe(3);
  });

  it("many requests at once read once", async () => {
    await writeSnapshot(env, start);
    const { calls, env: counted } = countedObjects();
    const source = new SnapshotSource();
    await Promise.all(Array.from({ length: 20 }, () => source.current(counted, start)));
    expect(calls.gets).toBe(1);
  });

  it("a flood of unknown names reads no more often than it may", async () => {
    await writeSnapshot(env, start);
    const { calls, env: counted } = countedObjects();
    const source = new SnapshotSource();
    await source.current(counted, start);
    for (let no = 0; no < 10; no++) await source.refresh(counted, later(snapshotMinAgeMs - 1));
    expect(calls.gets).toBe(1);
    for (let no = 0; no < 10; no++) await source.refresh(counted, later(snapshotMinAgeMs));
    expect(calls.gets).toBe(2);
  });

  it("[KE1] what this isolate wrote is known here at once, within the least age too", async () => {
    const source = new SnapshotSource();
    await source.current(env, start);
    await putStream(env.CATALOG, type("at-once"), settings(), start);
    source.take(await writeSnapshot(env, start));
    expect((await source.refresh(env, start)).streams.has("at-once")).toBe(true);
  });

  it("[KE4] what is held is served for its bound, and not a moment longer", async () => {
    await writeSnapshot(env, start);
    const { calls, env: counted } = countedObjects();
    const source = new SnapshotSource();
    const held = await source.current(counted, start);
    calls.instead = () => Promise.reject(new Error("R2 is away"));
    expect(await source.current(counted, later(keyOutageMsMax))).toBe(held);
    await expect(source.current(counted, later(keyOutageMsMax + 1))).rejects.toThrow("revoked");
    calls.instead = null;
    expect(await source.current(counted, later(keyOutageMsMax + snapshotMinAgeMs + 1))).toBe(held);
  });

  it.each([
    ["R2 fails", () => Promise.reject(new Error("R2 is away"))],
    ["the object is gone", () => Promise.resolve(null)],
    ["R2 does not answer", () => new Promise<never>(() => undefined)],
  ])("[KE5] while %s, what is held is served on", async (_name, instead) => {
    await writeSnapshot(env, start);
    const { calls, env: counted } = countedObjects();
    const source = new SnapshotSource();
    const held = await source.current(counted, start);
    calls.instead = instead;
    const stale = later(10 * snapshotMaxAgeMs);
    expect(await source.current(counted, stale)).toBe(held);
    calls.instead = null;
    await bumpVersion(env.CATALOG).run();
    await writeSnapshot(env, start);
    const again = await source.current(counted, epochMs(stale + snapshotMaxAgeMs + snapshotReadMs));
    expect(again.version).toBe(held.version + 1);
  });

  it("[KE5] a broken or an older object is not taken over", async () => {
    await writeSnapshot(env, start);
    const source = new SnapshotSource();
    const held = await source.current(env, start);
    const text = (await (await env.EVENTS.get(snapshotKey))?.text()) ?? "";
    await env.EVENTS.put(snapshotKey, text.slice(0, -20));
    expect(await source.current(env, later(snapshotMaxAgeMs + 1))).toBe(held);
    await env.EVENTS.put(snapshotKey, text.replace(/"version": \d+/, '"version": 0'));
    expect(await source.current(env, later(3 * snapshotMaxAgeMs))).toBe(held);
  });

  it("an edge that never read one, and cannot, serves none: an empty one would refuse every key", async () => {
    const { calls, env: counted } = countedObjects();
    calls.instead = () => Promise.reject(new Error("R2 is away"));
    const source = new SnapshotSource();
    await expect(source.current(counted, start)).rejects.toThrow("cannot be read");
    await env.EVENTS.put(snapshotKey, "not a snapshot");
    calls.instead = null;
    await expect(source.current(counted, later(snapshotMinAgeMs))).rejects.toThrow("cannot be read");
    await env.EVENTS.delete(snapshotKey);
    expect(await source.current(counted, later(2 * snapshotMinAgeMs))).toMatchObject({ version: 0 });
  });

  it("a clock that is set back makes nothing fresh", async () => {
    const source = new SnapshotSource();
    await source.current(env, later(3_600_000));
    await putStream(env.CATALOG, type("set-back"), settings(), start);
    await writeSnapshot(env, start);
    expect((await source.current(env, start)).streams.has("set-back")).toBe(true);
  });
});
