import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { opsBodyBytesMax } from "../../../domain/limits.ts";
import { overriding } from "../helpers.ts";
import { ask, newKey } from "./ask.ts";

const routes = [
  ["GET /v1/streams", "admin"],
  ["GET /v1/streams/a", "admin"],
  ["PUT /v1/streams/a", "admin"],
  ["GET /v1/keys", "keys"],
  ["POST /v1/keys/0123456789ab/rotate", "keys"],
  ["POST /v1/keys", "admin"],
  ["DELETE /v1/keys/0123456789ab", "admin"],
  ["GET /v1/buckets", "read:buckets"],
  ["GET /v1/buckets/a/2026-11-23T10", "read:buckets"],
  ["GET /v1/buckets/a/2026-11-23T10/parts/part-0-0.ndjson.gz", "read:buckets"],
  ["GET /v1/audit/report", "read:audit"],
] as const;

const keys: Record<string, string> = {};

beforeAll(async () => {
  for (const scope of ["write:*", "read:buckets", "read:audit", "keys", "admin"])
    keys[scope] = (await newKey(scope)).key;
});

describe("[KE2] without a key", () => {
  it.each([
    ...routes.map(([line]) => line),
    "GET /",
    "GET /v1",
    "GET /nowhere",
    "PATCH /v1/streams",
    "GET /healthz/",
  ])("%s answers 401, whether it exists or not", async (line) => {
    const response = await ask(line, { key: null });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await response.json()).toMatchObject({ type: "urn:hourseal:problem:no_key" });
    expect((await ask(line, { key: "not a key" })).status).toBe(401);
  });
});

describe("[KE2] a key's scopes", () => {
  it.each(routes)("%s needs %s, and names it", async (line, needed) => {
    for (const [scope, key] of Object.entries(keys)) {
      const response = await ask(line, { key });
      if (scope === needed || scope === "admin") {
        expect(response.status, scope).not.toBe(403);
      } else {
        expect(response.status, scope).toBe(403);
        expect(await response.json()).toMatchObject({ scope: needed });
      }
    }
  });
});

it("health needs no key, and touches nothing", async () => {
  const touched = overriding(env.CATALOG, {
    prepare: () => expect.unreachable(),
    batch: () => expect.unreachable(),
  });
  const objects = overriding(env.EVENTS, { get: () => expect.unreachable() });
  const response = await ask("GET /healthz", { key: null, env: { CATALOG: touched, EVENTS: objects } });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ ok: true });
  expect((await ask("POST /healthz", { key: null })).status).toBe(405);
});

describe("with a key", () => {
  it.each([
    ["GET /nowhere", 404],
    ["GET /v1/streams/a/b", 404],
    ["GET /v1/streams/unknown", 404],
    ["GET /v1/streams/%ZZ", 422],
    [`GET /v1/streams/${"x".repeat(256)}`, 422],
    ["GET /v1/buckets/a/10-o-clock", 400],
    ["GET /v1/buckets?from=2026-11-23", 400],
    ["GET /v1/buckets?type=unknown", 404],
    ["GET /v1/buckets?hour=2026-11-23T10", 422],
    ["GET /v1/buckets?limit=1001", 400],
    ["GET /v1/buckets?limit=0", 422],
    ["GET /v1/buckets?after=x", 422],
    ["GET /v1/audit/report?from=yesterday", 400],
    ["DELETE /v1/keys/unknown", 404],
  ])("%s answers %i", async (line, status) => {
    const response = await ask(line);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it.each([
    ["POST /v1/streams", "GET, HEAD"],
    ["DELETE /v1/streams/a", "GET, HEAD, PUT"],
    ["PUT /v1/keys", "GET, HEAD, POST"],
    ["GET /v1/keys/a", "DELETE"],
    ["DELETE /v1/audit/report", "GET, HEAD"],
  ])("%s answers 405 and says what is allowed", async (line, allow) => {
    const response = await ask(line);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
  });

  it("HEAD answers as GET does, without the body", async () => {
    const response = await ask("HEAD /v1/streams");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("");
  });

  it.each([
    ["not JSON", "{", 400],
    ["not an object", "[]", 422],
    ["an unknown setting", { colour: "red" }, 422],
    ["a value out of bounds", { shards: 0 }, 422],
    ["a body that is too large", `{"owner":"${"x".repeat(opsBodyBytesMax)}"}`, 413],
  ])("%s is refused by name", async (_name, body, status) => {
    expect((await ask("PUT /v1/streams/body", { body })).status).toBe(status);
    expect((await ask("GET /v1/streams/body")).status).toBe(404);
  });
});

describe("[HT1] while something is away", () => {
  const away = () => {
    throw new Error("D1_ERROR: the database is away");
  };
  const broken = overriding(env.CATALOG, { prepare: away, batch: away });

  it.each(routes.filter(([line]) => !line.includes("/buckets/")).map(([line]) => line))(
    "%s without D1 answers 503 with Retry-After",
    async (line) => {
      const body =
        line.startsWith("POST /v1/keys") && !line.endsWith("/rotate") ? { scopes: ["admin"] } : undefined;
      const response = await ask(line, { env: { CATALOG: broken }, ...(body === undefined ? {} : { body }) });
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await response.text()).not.toContain("D1_ERROR");
    },
  );
});

describe("without a proper admin secret", () => {
  it.each([{ HOURSEAL_ADMIN_KEY: "" }, { HOURSEAL_ADMIN_KEY: "short" }])(
    "a key that is not known is told which variable to set",
    async (bad) => {
      const response = await ask("GET /v1/streams", { key: "short", env: bad });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ variable: "HOURSEAL_ADMIN_KEY" });
    },
  );

  it("keys that are known go on working", async () => {
    const response = await ask("GET /v1/buckets", {
      key: keys["read:buckets"] ?? "",
      env: { HOURSEAL_ADMIN_KEY: "" },
    });
    expect(response.status).toBe(200);
  });
});
