import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { changeStreams, readStreams } from "../../../platform/catalog/stream-changes.ts";
import { getSchema } from "../../../platform/catalog/stream-schemas.ts";
import { listStreamVersions } from "../../../platform/catalog/stream-versions.ts";
import { configVersion } from "../../../platform/catalog/version.ts";
import { at, overriding, settings, type } from "../helpers.ts";

const db = env.CATALOG;
const ten = at("2026-11-23T10:00:00Z");
const us = { author: "us", keyId: "admin", note: "because" };

function named(name: string, given: Parameters<typeof settings>[0] = {}) {
  return { type: type(name), settings: settings(given) };
}

async function versionNow(): Promise<number> {
  return (await readStreams(db)).version;
}

describe("[CF1] a change", () => {
  it("is one version, however many streams it sets, and one version of the snapshot", async () => {
    const [before, snapshot] = [await versionNow(), await configVersion(db)];
    const wanted = [named("many/a"), named("many/b", { owner: "b" }), named("many/c")];
    expect(await changeStreams(db, wanted, before, us, ten)).toMatchObject({
      outcome: "applied",
      version: before + 1,
      changes: [{ type: "many/a" }, { type: "many/b" }, { type: "many/c" }],
    });
    expect(await configVersion(db)).toBe(snapshot + 1);
  });

  it("repeated, as after a lost reply, is answered as applied and changes nothing", async () => {
    const base = await versionNow();
    const wanted = [named("repeated", { shards: 2 })];
    await changeStreams(db, wanted, base, us, ten);
    const snapshot = await configVersion(db);
    expect(await changeStreams(db, wanted, base, us, ten)).toEqual({
      outcome: "applied",
      version: base + 1,
      changes: [],
    });
    expect(await configVersion(db)).toBe(snapshot);
  });

  it("on a version that has passed is a conflict, and changes nothing", async () => {
    const base = await versionNow();
    await changeStreams(db, [named("stale", { owner: "first" })], base, us, ten);
    expect(await changeStreams(db, [named("stale", { owner: "second" })], base, us, ten)).toEqual({
      outcome: "conflict",
      version: base + 1,
    });
    const { streams } = await readStreams(db);
    expect(streams.find(({ stream }) => stream.type === "stale")?.stream.owner).toBe("first");
  });

  it("of many on one version is applied once; those without a base are all applied, one after the other", async () => {
    const base = await versionNow();
    const owners = ["a", "b", "c", "d"];
    const based = await Promise.all(
      owners.map((owner) => changeStreams(db, [named("raced", { owner })], base, us, ten)),
    );
    expect(based.map(({ outcome }) => outcome).toSorted()).toEqual([
      "applied",
      "conflict",
      "conflict",
      "conflict",
    ]);
    const free = await Promise.all(
      owners.map((owner) => changeStreams(db, [named(`free/${owner}`)], null, us, ten)),
    );
    expect(free.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
      owners.map((_, no) => base + 2 + no),
    );
  });

  it("that D1 fails in the middle of leaves nothing behind", async () => {
    const before = await readStreams(db);
    const batch = (statements: D1PreparedStatement[]) =>
      env.CATALOG.batch([
        ...statements,
        env.CATALOG.prepare("INSERT INTO config (id, version) VALUES (2, 0)"),
      ]);
    const broken = overriding(env.CATALOG, { batch });
    const writes = overriding(env.CATALOG, {
      batch: (statements: D1PreparedStatement[]) =>
        statements.length > 2 ? broken.batch(statements) : env.CATALOG.batch(statements),
    });
    await expect(changeStreams(writes, [named("half")], null, us, ten)).rejects.toThrow("CHECK constraint");
    expect(await readStreams(db)).toEqual(before);
  });
});

describe("[CF4] the history", () => {
  it("says who changed what, when and why, newest first", async () => {
    const base = await versionNow();
    await changeStreams(db, [named("told"), named("told/too")], null, us, ten);
    const they = { author: "they", keyId: "k1", note: "" };
    await changeStreams(db, [named("told", { graceMs: 0 })], null, they, at("2026-11-23T11:00:00Z"));
    expect(await listStreamVersions(db, {}, 2)).toEqual([
      {
        version: base + 2,
        author: "they",
        keyId: "k1",
        note: "",
        changedAtMs: at("2026-11-23T11:00:00Z"),
        changes: [{ type: "told", change: "change", before: settings(), after: settings({ graceMs: 0 }) }],
      },
      {
        version: base + 1,
        ...us,
        changedAtMs: ten,
        changes: [
          { type: "told", change: "add", before: null, after: settings() },
          { type: "told/too", change: "add", before: null, after: settings() },
        ],
      },
    ]);
  });

  it("is read in pages, and by stream", async () => {
    const base = await versionNow();
    for (const owner of ["1", "2", "3"]) await changeStreams(db, [named("paged", { owner })], null, us, ten);
    await changeStreams(db, [named("other")], null, us, ten);
    const versions = async (
      ...given: Parameters<typeof listStreamVersions> extends [unknown, ...infer R] ? R : never
    ) => (await listStreamVersions(db, ...given)).map(({ version }) => version - base);
    expect(await versions({ type: type("paged") }, 2)).toEqual([3, 2]);
    expect(await versions({ type: type("paged"), before: base + 2 }, 2)).toEqual([1]);
    expect(await versions({ before: base + 4 }, 2)).toEqual([3, 2]);
  });
});

describe("[SC4] schemas", () => {
  const price = (priceType: string) => ({
    type: "object",
    properties: { price: { type: priceType } },
  });
  const versionOf = async (name: string) =>
    (await readStreams(db)).streams.find(({ stream }) => stream.type === name)?.stream.schemaVersion;

  it("are counted as they change, and each is kept by its version", async () => {
    const set = (given: Parameters<typeof named>[1]) =>
      changeStreams(db, [named("schemas", given)], null, us, ten);
    await set({});
    expect(await versionOf("schemas")).toBe(0);
    await set({ schema: price("integer") });
    expect(await versionOf("schemas")).toBe(1);
    await set({ schema: price("integer"), owner: "another setting" });
    expect(await versionOf("schemas")).toBe(1);
    await set({ schema: price("number") });
    expect(await versionOf("schemas")).toBe(2);
    expect((await getSchema(db, type("schemas"), 1))?.schema).toEqual(price("integer"));
    expect((await getSchema(db, type("schemas"), 2))?.schema).toEqual(price("number"));
    expect(await getSchema(db, type("schemas"), 3)).toBeNull();
  });

  it("begin with version 1 at a stream that comes with one", async () => {
    await changeStreams(db, [named("schemas/new", { schema: price("number") })], null, us, ten);
    expect(await versionOf("schemas/new")).toBe(1);
  });

  it("[SC1] of many streams are set in one change", async () => {
    const wide = { title: "x".repeat(15_000) };
    const wanted = Array.from({ length: 64 }, (_, no) => named(`schemas/many/${no}`, { schema: wide }));
    expect(await changeStreams(db, wanted, null, us, ten)).toMatchObject({ outcome: "applied" });
    const wider = { title: "y".repeat(15_000) };
    const again = wanted.map((one) => ({ ...one, settings: { ...one.settings, schema: wider } }));
    expect(await changeStreams(db, again, null, us, ten)).toMatchObject({ outcome: "applied" });
    expect(await versionOf("schemas/many/63")).toBe(2);
  });
});
