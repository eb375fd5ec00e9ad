import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keyText, mintKey } from "../../domain/key.ts";
import { type Snapshot, emptySnapshot } from "../../domain/snapshot.ts";
import { adminKeyFault, admit, authenticate, keyHash, requireScope } from "../../platform/auth.ts";
import { problemOf } from "../../platform/problem.ts";
import { SnapshotSource } from "../../platform/snapshot.ts";
import { at, overriding } from "./helpers.ts";

const now = at("2026-11-23T10:00:00Z");
const key = mintKey(new Uint8Array(6).fill(1), new Uint8Array(32).fill(2));
const text = keyText(key);
const wrong = keyText({ ...key, secret: "A".repeat(43) });
const unknown = keyText({ ...key, id: "ffffffffffff" });
const admin = { HOURSEAL_ADMIN_KEY: "an-admin-key-of-24-chars" };
const snapshot: Snapshot = {
  ...emptySnapshot,
  keys: new Map([
    [
      key.id,
      {
        id: key.id,
        hash: keyHash(text),
        scopes: ["write:a"],
        expiresAt: null,
        eventsPerSecondMax: null,
        eventsPerHourMax: null,
        eventsPerDayMax: null,
      },
    ],
  ]),
};

afterEach(() => {
  vi.restoreAllMocks();
});

function asking(authorization: string | null, query = ""): Request {
  const headers = authorization === null ? {} : { authorization };
  return new Request(`https://hourseal.test/v1/events${query}`, { headers });
}

it.each([
  ["Bearer", asking(`Bearer ${text}`)],
  ["Basic user", asking(`Basic ${btoa(`${text}:`)}`)],
  ["Basic user with a password", asking(`Basic ${btoa(`${text}:ignored`)}`)],
  ["query", asking(null, `?key=${text}`)],
  ["query beside a header of another scheme", asking("Digest x", `?key=${text}`)],
])("a key comes as %s", async (_name, request) => {
  expect(authenticate(request, snapshot, admin, now)).toEqual({
    ok: true,
    value: { keyId: key.id, scopes: ["write:a"], eventsPerSecondMax: null },
  });
});

it.each([
  ["no header", asking(null)],
  ["an empty query", asking(null, "?key=")],
  ["another scheme", asking("Digest abc")],
  ["no base64", asking("Basic %%%")],
  ["an empty user", asking(`Basic ${btoa(":password")}`)],
])("[KE2] %s is no key", async (_name, request) => {
  expect(authenticate(request, snapshot, admin, now)).toEqual({
    ok: false,
    reason: { code: "no_key" },
  });
});

it.each([
  ["a wrong secret", wrong],
  ["an unknown or revoked id", unknown],
  ["no key at all", "hello"],
  ["a hash instead of its key", keyHash(text)],
  ["part of the admin key", "an-admin-key-of-24-char"],
])("[KE2] %s is a bad key", async (_name, given) => {
  expect(authenticate(asking(`Bearer ${given}`), snapshot, admin, now)).toEqual({
    ok: false,
    reason: { code: "bad_key" },
  });
});

it("[KE3] every key costs the same two comparisons of digests, known or not", async () => {
  const compare = vi.spyOn(crypto.subtle, "timingSafeEqual");
  const lengths: number[][] = [];
  for (const given of [text, wrong, unknown, "hello", admin.HOURSEAL_ADMIN_KEY]) {
    compare.mockClear();
    authenticate(asking(`Bearer ${given}`), snapshot, admin, now);
    lengths.push(compare.mock.calls.map(([a, b]) => (a.byteLength === 32 && b.byteLength === 32 ? 32 : 0)));
  }
  expect(lengths).toEqual(Array.from({ length: 5 }, () => [32, 32]));
});

describe("the admin secret", () => {
  it("holds every reading scope and writes nothing", async () => {
    const found = authenticate(asking(`Bearer ${admin.HOURSEAL_ADMIN_KEY}`), emptySnapshot, admin, now);
    if (!found.ok) throw new Error(found.reason.code);
    expect(found.value).toEqual({ keyId: "admin", scopes: ["admin"], eventsPerSecondMax: null });
    for (const scope of ["admin", "read:buckets", "read:audit"] as const) {
      expect(requireScope(found.value, scope)).toBeNull();
    }
  });

  it.each([
    ["is missing", {}, ""],
    ["is empty", { HOURSEAL_ADMIN_KEY: "" }, ""],
    ["is one character short", { HOURSEAL_ADMIN_KEY: "x".repeat(23) }, "x".repeat(23)],
  ])("nobody is admin if it %s, and the fault names it", async (_name, bad, given) => {
    const found = authenticate(asking(`Bearer ${given || "x"}`), emptySnapshot, bad, now);
    expect(found).toEqual({ ok: false, reason: { code: "bad_key" } });
    const fault = adminKeyFault(bad);
    if (fault === null) throw new Error("the secret was taken");
    const problem = problemOf(fault);
    expect(problem.status).toBe(503);
    expect(await problem.json()).toMatchObject({ variable: "HOURSEAL_ADMIN_KEY" });
  });

  it("is taken at its least length", () => {
    expect(adminKeyFault({ HOURSEAL_ADMIN_KEY: "x".repeat(24) })).toBeNull();
  });
});

it("a scope that is missing is named", () => {
  expect(
    requireScope({ keyId: "k", scopes: ["write:*", "read:audit"], eventsPerSecondMax: null }, "read:buckets"),
  ).toEqual({
    code: "missing_scope",
    scope: "read:buckets",
  });
});

describe("while the snapshot cannot be read", () => {
  const get = () => Promise.reject(new Error("R2 is away"));
  const away = { ...admin, EVENTS: overriding(env.EVENTS, { get }) };

  it("a key is not called bad: clients drop their events on that", async () => {
    const found = await admit(
      asking(`Bearer ${text}`),
      new SnapshotSource(),
      away,
      at("2026-11-23T10:00:00Z"),
    );
    expect(found).toMatchObject({ ok: false, reason: { code: "unavailable" } });
  });

  it("the admin secret still works", async () => {
    const request = asking(`Bearer ${admin.HOURSEAL_ADMIN_KEY}`);
    const found = await admit(request, new SnapshotSource(), away, at("2026-11-23T10:00:00Z"));
    expect(found).toMatchObject({ ok: true, value: { keyId: "admin" } });
  });
});

it("a key that is younger than the held snapshot is found", async () => {
  const source = new SnapshotSource();
  await source.current(env, now);
  source.take({ ...snapshot, version: 1 });
  const found = await admit(asking(`Bearer ${text}`), source, { ...env, ...admin }, now);
  expect(found).toMatchObject({ ok: true, value: { keyId: key.id } });
});
