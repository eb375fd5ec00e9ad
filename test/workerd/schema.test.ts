/** Schemas from outside: what is refused at the edge, and what rows, manifests and routes say of the version. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { r2Objects } from "../../platform/objects.ts";
import { auditBucket } from "../../workers/flusher/audit/audit-bucket.ts";
import { env } from "cloudflare:workers";
import { bucket } from "./helpers.ts";
import { due, during, hourText, linesOf, manifestAt, plan, seal, setClock } from "./helpers-objects.ts";
import { answer, call, eventOf, newKey, post, register, settled } from "./helpers-system.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const schema = {
  type: "object",
  required: ["price"],
  properties: { price: { type: "integer", minimum: 0 } },
};

const looser = { ...schema, properties: { price: { type: "number", minimum: 0 } } };

async function stream(name: string, given: object = { schema }) {
  const address = bucket(`schema/${name}`, hourText);
  setClock(during(address));
  await register(address.type, given);
  return { address, type: address.type, key: await newKey(`write:${address.type}`) };
}

describe("[SC2] an event whose data breaks its stream's schema", () => {
  it("is refused by itself, with the pointer and the rule, and never with its value", async () => {
    const { type, key } = await stream("refused");
    const events = [
      eventOf(type, "good", { data: { price: 1 } }),
      eventOf(type, "bad", { data: { price: "secret" } }),
      eventOf(type, "none"),
    ];
    const { status, body } = await answer(post(key, events));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      accepted: 1,
      refused: [
        {
          index: 1,
          id: "bad",
          code: "schema_violation",
          pointer: "/data/price",
          detail:
            "`type` of the stream's schema, version 1, does not hold at /data/price: see #/properties/price/type in it.",
        },
        { index: 2, id: "none", code: "schema_violation", pointer: "/data" },
      ],
    });
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("is checked in binary mode too, and taken where the stream has no schema", async () => {
    const { type, key } = await stream("binary");
    const ce = { "ce-specversion": "1.0", "ce-source": "test", "ce-type": type };
    const send = (id: string, body: string) =>
      answer(
        call("POST /v1/events", {
          key,
          body,
          headers: { ...ce, "ce-id": id, "content-type": "application/json" },
        }),
      );
    expect(await send("1", '{"price":1}')).toMatchObject({ status: 200 });
    expect(await send("2", '{"price":-1}')).toMatchObject({
      status: 422,
      body: { refused: [{ pointer: "/data/price" }] },
    });
    const free = await stream("free", {});
    expect((await post(free.key, [eventOf(free.type, "1", { data: "anything" })])).status).toBe(200);
  });
});

describe("[SC3] a change of the schema", () => {
  it("that is looser holds at once where it was made; an incompatible one is refused with place and reason", async () => {
    const { type, key } = await stream("changed");
    const half = [eventOf(type, "half", { data: { price: 0.5 } })];
    expect((await post(key, half)).status).toBe(422);
    await register(type, { schema: looser });
    expect((await post(key, half)).status).toBe(200);
    const refused = await call(`PUT /v1/streams/${encodeURIComponent(type)}`, {
      body: JSON.stringify({ schema }),
    });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      refused: [
        { setting: "schema", reason: expect.stringMatching(/^#\/properties\/price\/type: /) as string },
      ],
    });
  });
});

describe("[KE9] a stream", () => {
  it("is not renamed", async () => {
    const { type } = await stream("renamed", {});
    const put = (name: string) =>
      answer(
        call(`PUT /v1/streams/${encodeURIComponent(type)}`, {
          body: JSON.stringify({ type: name, owner: "us" }),
        }),
      );
    expect(await put("another")).toMatchObject({
      status: 422,
      body: { refused: [{ type, reason: expect.stringMatching(/^it is not renamed/) as string }] },
    });
    expect(await put(type)).toMatchObject({ status: 200, body: { type, owner: "us" } });
  });
});

describe("[SC4] the version of the schema", () => {
  it("is in each row, counted in its part, in the manifest, and audited", async () => {
    const { address, type, key } = await stream("version");
    await post(key, [eventOf(type, "1", { data: { price: 1 } })]);
    await register(type, { schema: looser });
    await post(key, [
      eventOf(type, "2", { data: { price: 1.5 } }),
      eventOf(type, "3", { data: { price: 2 } }),
    ]);
    await settled();
    const reply = await seal(address, { plan });
    if (reply.state !== "sealed") throw new Error(reply.state);
    const manifest = await manifestAt(address);
    expect(manifest.schemaVersion).toBe("2");
    const [part] = manifest.parts;
    expect(part?.schemaVersions).toEqual({ 1: 1, 2: 2 });
    const rows = (await linesOf(part?.key ?? "")).map((line) => JSON.parse(line) as object);
    expect(rows).toMatchObject([{ schema_version: 1 }, { schema_version: 2 }, { schema_version: 2 }]);
    const audited = await auditBucket(
      env,
      r2Objects(env.EVENTS),
      address,
      reply.summary,
      due(address),
      () => false,
    );
    expect(audited?.findings).toEqual([]);
  });

  it("names a schema that can be had, to whoever reads", async () => {
    const { type } = await stream("kept");
    await register(type, { schema: looser });
    const key = await newKey("read:buckets");
    const path = `/v1/streams/${encodeURIComponent(type)}/schemas`;
    expect(await answer(call(`GET ${path}/1`, { key }))).toEqual({ status: 200, body: schema });
    expect(await answer(call(`GET ${path}/2`, { key }))).toEqual({ status: 200, body: looser });
    for (const version of ["3", "0", "1.0", "x"]) {
      expect((await call(`GET ${path}/${version}`, { key })).status).toBe(404);
    }
    expect((await call(`GET /v1/streams/nobody/schemas/1`, { key })).status).toBe(404);
  });
});
