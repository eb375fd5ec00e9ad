import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { EpochMs } from "../../../domain/hour.ts";
import type { EventType } from "../../../domain/ids.ts";
import type { StreamSettings } from "../../../domain/stream.ts";
import { readConfig } from "../../../platform/catalog/config.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { getStream, listStreams } from "../../../platform/catalog/streams.ts";
import { configVersion } from "../../../platform/catalog/version.ts";
import { at, settings, type } from "../helpers.ts";

const db = env.CATALOG;

async function put(...[of, chosen, now]: [EventType, StreamSettings, EpochMs]) {
  const done = await putStream(db, of, chosen, now);
  if (!done.ok) throw new Error(JSON.stringify(done.reason));
  return done.value;
}

it("a stream begins with the hour in which it is registered, and keeps it", async () => {
  const first = await put(type("begin"), settings(), at("2026-11-23T10:59:59.999Z"));
  expect(first).toMatchObject({ created: true, stream: { version: 1, nextHour: "2026-11-23T10" } });
  expect(first.stream.stream.firstHour).toBe("2026-11-23T10");
  const later = await put(type("begin"), settings({ owner: "a team" }), at("2026-11-23T12:00:00Z"));
  expect(later).toMatchObject({ created: false, stream: { version: 2, nextHour: "2026-11-23T10" } });
  expect(later.stream.stream).toMatchObject({ firstHour: "2026-11-23T10", owner: "a team" });
  expect(await getStream(db, type("begin"))).toEqual(later.stream);
});

it("of two registrations at once exactly one creates, and both count as versions", async () => {
  const before = await configVersion(db);
  const puts = await Promise.all(
    ["a", "b", "c", "d"].map((owner) => put(type("twice"), settings({ owner }), at("2026-11-23T10:00:00Z"))),
  );
  expect(puts.filter(({ created }) => created)).toHaveLength(1);
  expect(puts.map(({ stream }) => stream.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  expect(await configVersion(db)).toBe(before + 4);
});

it("a new grace moves when the next hour is due", async () => {
  const due = async (): Promise<unknown> =>
    db.prepare("SELECT due_at_ms FROM streams WHERE type = 'grace'").first("due_at_ms");
  await put(type("grace"), settings({ graceMs: 60_000 }), at("2026-11-23T10:00:00Z"));
  expect(await due()).toBe(at("2026-11-23T11:01:00Z"));
  await put(type("grace"), settings({ graceMs: 0 }), at("2026-11-23T10:30:00Z"));
  expect(await due()).toBe(at("2026-11-23T11:00:00Z"));
  await put(type("grace"), settings(), at("2026-11-23T10:30:00Z"));
  expect(await due()).toBe(at("2026-11-23T11:10:00Z"));
});

it("[KE6] any string is a type: stored, listed and found again", async () => {
  const types = ["a/b", "a%2Fb", "  ", "..", "Ünï ∆ 🦭", "quo'te\"", "a\u0000b", "a\u0000c", "x".repeat(255)];
  for (const text of types) await put(type(text), settings(), at("2026-11-23T10:00:00Z"));
  const listed = (await listStreams(db)).map(({ stream }) => stream.type as string);
  for (const text of types) {
    expect(listed).toContain(text);
    expect((await getStream(db, type(text)))?.stream.type).toBe(text);
  }
});

it("the configuration is everything as of one version", async () => {
  await put(type("config"), settings({ priority: "high" }), at("2026-11-23T10:00:00Z"));
  const config = await readConfig(db);
  expect(config.version).toBe(await configVersion(db));
  expect(config.streams.find((stream) => stream.type === "config")).toEqual({
    ...settings({ priority: "high" }),
    type: "config",
    firstHour: "2026-11-23T10",
    planned: [],
    schemaVersion: 0,
  });
});
