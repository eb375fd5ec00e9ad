/** Explaining and mending buckets on the real runtime, with what they wait for away. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { type EpochMs, epochMs, plusHours, startOf } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { rebuildHoursMax } from "../../../domain/limits.ts";
import { bucketPrefix, manifestKey, manifestText } from "../../../domain/manifest.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket } from "../helpers.ts";
import { containing, due, during, hourText, manifestAt, setClock } from "../helpers-objects.ts";
import { answer, eventOf, intercept, newKey as keyOf, post, register, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

const away = () => Promise.reject(new Error("it is away"));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const Explained = z.looseObject({
  state: z.string(),
  summary: z.string(),
  reasons: z.array(z.looseObject({ what: z.string(), where: z.string(), detail: z.string() })),
  todo: z.array(z.string()),
});

function pathOf({ type, hour }: BucketAddress): string {
  return `${encodeURIComponent(type)}/${hour}`;
}

async function explained(address: BucketAddress, now: EpochMs): Promise<z.infer<typeof Explained>> {
  return Explained.parse(await (await ask(`GET /v1/ops/explain/${pathOf(address)}`, { now })).json());
}

async function act(
  action: string,
  address: BucketAddress,
  now: EpochMs,
  body: object = {},
): Promise<unknown> {
  return (await ask(`POST /v1/ops/${action}/${pathOf(address)}`, { now, body })).json();
}

/** A stream with two events in its hour. */
async function stream(name: string, hoursLater: number): Promise<BucketAddress> {
  const address = bucket(`repair/${name}`, plusHours(bucket("x", hourText).hour, hoursLater));
  setClock(during(address));
  await register(address.type);
  const key = await keyOf("write:*");
  const events = [1, 2].map((id) => eventOf(address.type, id));
  expect(await answer(post(key, events))).toMatchObject({ status: 200, body: { accepted: 2 } });
  await settled();
  return address;
}

describe("[OP10] explain", () => {
  it("names the shard that gives no receipt, and reseal seals once it is back", async () => {
    const address = await stream("shard", 0);
    const now = setClock(due(address) + 400_000);
    intercept(env.EVENT_SHARD, "close", away);
    await runFlusher(env, now);
    expect(await explained(address, now)).toMatchObject({
      state: "overdue",
      summary: containing("waits for the receipts of 1 of its shards"),
      reasons: [
        {
          what: "shard",
          where: `shard ${address.hour}/0`,
          detail: "it is open and has not given its receipt",
        },
      ],
      todo: [containing(`reseal "${address.type}" ${address.hour} --yes`)],
    });
    vi.restoreAllMocks();
    intercept(env.EVENT_SHARD, "describe", away);
    expect((await explained(address, now)).reasons[0]?.detail).toContain(
      "it does not answer: Error: it is away",
    );

    vi.restoreAllMocks();
    intercept(env.EVENT_SHARD, "close", away);
    expect(await act("reseal", address, now, { dryRun: false })).toMatchObject({
      reply: { state: "failed", step: "collect_receipts" },
    });
    vi.restoreAllMocks();
    expect(await act("reseal", address, now)).toMatchObject({ dryRun: true, catalog: "due" });
    expect((await explained(address, now)).state).toBe("overdue");
    const done = { dryRun: false, author: "Ann", note: "it was away" };
    expect(await act("reseal", address, now, done)).toMatchObject({ reply: { state: "sealed" } });
    expect(await act("reseal", address, now, done)).toMatchObject({ reply: { state: "sealed" } });
    expect((await explained(address, now)).summary).toContain("no auditor has looked at it yet");
    const actions: unknown = await (await ask("GET /v1/ops/actions")).json();
    expect(actions).toMatchObject({
      actions: [
        {
          action: "reseal",
          author: "Ann",
          note: "it was away",
          keyId: "admin",
          outcome: { reply: { state: "sealed" } },
        },
        { action: "reseal", outcome: { reply: { state: "sealed" } } },
        { action: "reseal", outcome: { reply: { state: "failed" } } },
      ],
    });
  });

  it("names the claim that is owed, and the hour of its home", async () => {
    const address = await stream("claim", 1);
    const late = plusHours(address.hour, -5);
    const key = await keyOf("write:*");
    const time = new Date(startOf(late)).toISOString();
    await answer(post(key, [eventOf(address.type, "late", { time })]));
    await settled();
    const now = setClock(due(address));
    intercept(env.EVENT_SHARD, "claim", away);
    await runFlusher(env, now);
    const { reasons, todo } = await explained(address, now);
    expect(reasons).toMatchObject([
      {
        what: "claim",
        where: `shard ${address.hour}/0`,
        detail: `the home of ${late} has not answered for 1 of its rows`,
      },
    ]);
    expect(todo.join()).toContain("move to the next open bucket by themselves");
  });

  it("tells a bucket that is away, one that nobody took up, and a bucket that is open", async () => {
    const address = await stream("untaken", 2);
    expect((await explained(address, during(address))).summary).toContain("It is open until");
    const now = setClock(due(address) + 400_000);
    expect((await explained(address, now)).summary).toContain("nobody has asked it to seal yet");
    intercept(env.HOUR_BUCKET, "describe", away);
    expect((await explained(address, now)).reasons).toMatchObject([
      { what: "bucket", detail: "Error: it is away" },
    ]);
  });

  it.each([
    ["GET /v1/ops/explain/repair%2Fnone/2031-11-23T10", 404],
    ["GET /v1/ops/explain/repair%2Fshard/noon", 400],
    ["POST /v1/ops/reseal/repair%2Fnone/2031-11-23T10", 404],
    ["POST /v1/ops/reaudit/repair%2Fnone/2031-11-23T10", 404],
  ])("%s is %i", async (line, status) => {
    expect((await ask(line, { body: line.startsWith("POST") ? {} : undefined })).status).toBe(status);
  });
});

it("[OP10] a bucket that is open is not sealed by hand", async () => {
  const address = await stream("open", 3);
  const early = await ask(`POST /v1/ops/reseal/${pathOf(address)}`, {
    now: during(address),
    body: { dryRun: false },
  });
  expect(early.status).toBe(409);
  expect(await early.json()).toMatchObject({ type: "urn:hourseal:problem:not_sealed" });
});

it("[OP10] a lost part is explained, and balanced again when it was put back and audited once more", async () => {
  const address = await stream("part", 4);
  const now = setClock(due(address));
  await runFlusher(env, now);
  const key = (await manifestAt(address)).parts[0]?.key ?? "";
  expect(key.startsWith(bucketPrefix(address))).toBe(true);
  const object = await env.EVENTS.get(key);
  const bytes = (await object?.arrayBuffer()) ?? new ArrayBuffer(0);
  await env.EVENTS.delete(key);
  expect(await act("reaudit", address, now)).toMatchObject({ dryRun: true, verdict: "balanced" });
  await runFlusher(env, now);
  expect((await explained(address, now)).state).toBe("balanced");
  expect(await act("reaudit", address, now, { dryRun: false })).toMatchObject({ queued: true });
  await runFlusher(env, now);
  const { state, reasons, todo } = await explained(address, now);
  expect(state).toBe("missing");
  expect(reasons).toContainEqual(expect.objectContaining({ what: "finding", where: key }));
  expect(todo[1]).toContain("put it back from a copy of exactly these bytes");
  await env.EVENTS.put(key, bytes, { sha256: await crypto.subtle.digest("SHA-256", bytes) });
  await act("reaudit", address, epochMs(now + 1), { dryRun: false });
  await runFlusher(env, epochMs(now + 1));
  expect((await explained(address, now)).summary).toContain("everything is there");
});

describe("[OP11] rebuilding a stream's hours", () => {
  const rebuild = async (from: string, to: string, dryRun = false): Promise<Response> =>
    ask("POST /v1/ops/rebuild-buckets/repair%2Frebuild", { body: { dryRun, from, to } });

  it("names manifests that cannot be read, or are others than the catalog has, and changes neither", async () => {
    const address = await stream("rebuild", 5);
    const now = setClock(due(address));
    await runFlusher(env, now);
    const later = plusHours(address.hour, 1);
    const to = plusHours(later, 2);
    await env.EVENTS.put(manifestKey({ ...address, hour: later }), "{}");
    const read = {
      added: 0,
      manifests: 1,
      unreadable: [later],
      absent: [plusHours(later, 1)],
      differing: [],
    };
    expect(await (await rebuild(address.hour, to)).json()).toMatchObject(read);
    const other = `${manifestText(await manifestAt(address))} `;
    await env.EVENTS.put(manifestKey(address), other);
    expect(await (await rebuild(address.hour, to)).json()).toMatchObject({
      ...read,
      differing: [address.hour],
    });
    await env.EVENTS.put(manifestKey(address), other.slice(0, -1));
    expect((await explained(address, now)).state).toBe("balanced");
  });

  it("looks at a week at a time, and says so", async () => {
    const from = bucket("x", hourText).hour;
    expect((await rebuild(from, plusHours(from, rebuildHoursMax), true)).status).toBe(200);
    const over = await rebuild(from, plusHours(from, rebuildHoursMax + 1), true);
    expect([over.status, await over.json()]).toMatchObject([400, { limit: rebuildHoursMax }]);
  });
});
