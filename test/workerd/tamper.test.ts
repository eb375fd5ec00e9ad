/** Faults made by hand after an hour was sealed and found balanced: the next audit names each, where it is and how large. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { isoOf, startOf } from "../../domain/hour.ts";
import { type Manifest, bucketPrefix, manifestKey, manifestText, successKey } from "../../domain/manifest.ts";
import { shardName } from "../../domain/ids.ts";
import type { Finding } from "../../domain/verdict.ts";
import { sha256Hex } from "../../platform/objects.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { bucket } from "./helpers.ts";
import {
  due,
  during,
  gzipOf,
  hourText,
  linesOf,
  manifestAt,
  setClock,
  shardAddress,
  shardOf,
  sql,
} from "./helpers-objects.ts";
import {
  answer,
  call,
  eventOf,
  ledgersOf,
  newKey,
  post,
  register,
  report,
  settled,
} from "./helpers-system.ts";

const rows = 6;

interface Sealed {
  readonly address: ReturnType<typeof bucket>;
  readonly manifest: Manifest;
  /** The one part. */
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: readonly string[];
}

type Fault = Partial<Omit<Finding, "where">> & { readonly where?: (sealed: Sealed) => string };

let key = "";

beforeAll(async () => {
  setClock(startOf(bucket("tamper", hourText).hour));
  key = await newKey("write:*");
});

afterAll(() => {
  vi.useRealTimers();
});

/** A bucket with a part of six rows, sealed and found balanced. */
async function sealedBucket(name: string): Promise<Sealed> {
  const address = bucket(`tamper/${name}`, hourText);
  setClock(during(address));
  await register(address.type);
  const events = Array.from({ length: rows }, (_, id) =>
    eventOf(address.type, id, { time: isoOf(during(address)), data: { id, text: "x".repeat(50) } }),
  );
  expect((await answer(post(key, events))).status).toBe(200);
  expect((await answer(post(key, events.slice(0, 2)))).status).toBe(200);
  await settled();
  await runFlusher(env, setClock(due(address)));
  expect(await report(address.type)).toMatchObject({ totals: { balanced: 1 }, rows, notBalanced: [] });
  const manifest = await manifestAt(address);
  const partKey = manifest.parts[0]?.key ?? "";
  const object = await env.EVENTS.get(partKey);
  const bytes = new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer());
  return { address, manifest, key: partKey, bytes, lines: await linesOf(partKey) };
}

/** What the next audit says of it. */
async function auditAgain({ address }: Sealed): Promise<{ verdict: string; findings: readonly Finding[] }> {
  setClock(due(address) + 60_000);
  const path = `/v1/buckets/${encodeURIComponent(address.type)}/${address.hour}/audit`;
  expect((await answer(call(`POST ${path}`))).status).toBe(202);
  await runFlusher(env, setClock(due(address) + 60_000));
  const { notBalanced } = await report(address.type);
  return notBalanced[0] ?? { verdict: "balanced", findings: [] };
}

async function putLines(to: string, lines: readonly string[]): Promise<void> {
  await put(to, await gzipOf(lines.map((line) => `${line}\n`).join("")));
}

async function put(to: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await env.EVENTS.put(to, bytes, { sha256: await sha256Hex(bytes) });
}

async function putManifest({ address }: Sealed, manifest: Manifest): Promise<void> {
  await put(manifestKey(address), new Uint8Array(new TextEncoder().encode(manifestText(manifest))));
}

/** Changes the stored reports of the ledger that knows the bucket, and makes it read them again. */
async function forgeReports({ address }: Sealed, change: (report: string) => string): Promise<void> {
  for (const ledger of ledgersOf(address.hour)) {
    const known = await runInDurableObject(ledger(), (_object, { storage }) => {
      const tables = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'report'").toArray();
      if (tables.length === 0) return false;
      const stored = storage.sql
        .exec<{ edge: string; no: number; report: string }>("SELECT * FROM report")
        .toArray();
      for (const { edge, no, report: text } of stored) {
        if (text.includes(JSON.stringify(address.type)))
          storage.sql.exec("UPDATE report SET report = ? WHERE edge = ? AND no = ?", change(text), edge, no);
      }
      return true;
    });
    if (known) await evictDurableObject(ledger());
  }
}

const part = ({ key: partKey }: Sealed): string => partKey;
const shard = (): string => "shard 0";

const cases: readonly [string, (sealed: Sealed) => Promise<unknown>, string, readonly Fault[]][] = [
  [
    "[AU6] a part that was removed",
    ({ key: partKey }) => env.EVENTS.delete(partKey),
    "missing",
    [{ kind: "missing", hop: "listing", rows, where: part }],
  ],
  [
    "[AU5] one changed byte",
    ({ key: partKey, bytes }) =>
      put(partKey, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1)),
    "corrupt",
    [{ kind: "corrupt", hop: "reread", where: part }],
  ],
  [
    "[AU5] one changed byte in the header, of the same rows",
    ({ key: partKey, bytes }) => put(partKey, bytes.with(4, 1)),
    "corrupt",
    [{ kind: "corrupt", hop: "reread", rows: 0, where: part }],
  ],
  [
    "[AU5] two rows that were dropped from a part",
    ({ key: partKey, lines }) => putLines(partKey, lines.slice(2)),
    "corrupt",
    [
      { kind: "corrupt", hop: "reread", where: part },
      {
        kind: "missing",
        hop: "reread",
        rows: 2,
        where: part,
        expected: expect.objectContaining({ rows }) as Finding["expected"],
      },
    ],
  ],
  [
    "[AU5] a row that is there twice",
    ({ key: partKey, lines }) => putLines(partKey, [...lines, ...lines.slice(0, 1)]),
    "corrupt",
    [{ kind: "surplus", hop: "reread", rows: 1, where: part }],
  ],
  [
    "[AU5] a row with another identity, as many rows as before",
    ({ key: partKey, lines }) =>
      putLines(
        partKey,
        lines.map((line) => line.replace('"id":"3"', '"id":"9"')),
      ),
    "corrupt",
    [{ kind: "corrupt", hop: "reread", rows: 0, where: part }],
  ],
  [
    "[AU6] an object that nobody put",
    ({ address, bytes }) => put(`${bucketPrefix(address)}part-0-7.ndjson.gz`, bytes),
    "surplus",
    [
      {
        kind: "surplus",
        hop: "listing",
        where: ({ address }) => `${bucketPrefix(address)}part-0-7.ndjson.gz`,
      },
    ],
  ],
  [
    "[AU6] a marker that was removed",
    ({ address }) => env.EVENTS.delete(successKey(address)),
    "missing",
    [{ kind: "missing", hop: "listing", where: ({ address }) => successKey(address) }],
  ],
  [
    "[AU5] an edited manifest",
    (sealed) => putManifest(sealed, { ...sealed.manifest, rows: rows - 1 }),
    "corrupt",
    [{ kind: "corrupt", hop: "manifest", rows, where: ({ address }) => manifestKey(address) }],
  ],
  [
    "[AU5] a manifest and its part that were both exchanged, in agreement",
    async (sealed) => {
      await putLines(sealed.key, sealed.lines.slice(1));
      const object = await env.EVENTS.get(sealed.key);
      const bytes = new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer());
      const parts = sealed.manifest.parts.map((old) => ({
        ...old,
        bytes: bytes.length,
        tally: { ...old.tally, rows: rows - 1 },
      }));
      await putManifest(sealed, { ...sealed.manifest, rows: rows - 1, bytes: bytes.length, parts });
    },
    "corrupt",
    [{ kind: "corrupt", hop: "manifest", rows }],
  ],
  [
    "[AU6] a manifest that was removed",
    ({ address }) => env.EVENTS.delete(manifestKey(address)),
    "missing",
    [{ kind: "missing", hop: "manifest", rows, where: ({ address }) => manifestKey(address) }],
  ],
  [
    "[AU3] a count forged in the shard: fewer rows committed than edges were told",
    ({ address }) =>
      runInDurableObject(shardOf(address), (_object, { storage }) => {
        const [row] = storage.sql
          .exec<{ tags: ArrayBuffer }>("SELECT tags FROM batch WHERE seq = 1")
          .toArray();
        if (row === undefined) throw new Error("no batch");
        new DataView(row.tags).setUint32(12, rows - 1);
        storage.sql.exec("UPDATE batch SET tags = ? WHERE seq = 1", row.tags);
      }),
    "missing",
    [
      { kind: "missing", hop: "edge_to_shard", rows: 1 },
      { kind: "surplus", hop: "shard", rows: 1, where: shard },
    ],
  ],
  [
    "[AU3] a shard that has lost an append",
    ({ address }) => sql(shardOf(address), "UPDATE batch SET tags = x''"),
    "missing",
    [{ kind: "missing", hop: "edge_to_shard", rows }],
  ],
  [
    "[AU3] a shard that has lost everything",
    async ({ address }) => {
      await runInDurableObject(shardOf(address), (_object, { storage }) => storage.deleteAll());
      await evictDurableObject(shardOf(address));
    },
    "missing",
    [{ kind: "missing", hop: "edge_to_shard", rows }],
  ],
  [
    "[AU3] a report that claims an accepted row more",
    (sealed) =>
      forgeReports(sealed, (text) =>
        text.replace(`"accepted":{"rows":${rows}`, `"accepted":{"rows":${rows + 1}`),
      ),
    "missing",
    [
      { kind: "missing", hop: "edge_to_shard", rows: 1 },
      { kind: "surplus", hop: "edge", rows: 1 },
    ],
  ],
  [
    "[AU3] a report that conceals an accepted row",
    (sealed) =>
      forgeReports(sealed, (text) =>
        text.replace(`"accepted":{"rows":${rows}`, `"accepted":{"rows":${rows - 1}`),
      ),
    "missing",
    [
      { kind: "surplus", hop: "edge_to_shard", rows: 1 },
      { kind: "missing", hop: "edge", rows: 1 },
    ],
  ],
  [
    "[AU2] a report that sent a row more than it accounts for",
    (sealed) =>
      forgeReports(sealed, (text) => text.replace(/("index":0,"tally":\{"rows":)6/, `$1${rows + 1}`)),
    "missing",
    [{ kind: "missing", hop: "edge", rows: 1 }],
  ],
  [
    "[AU1] an edge that received an event and answered for none",
    (sealed) =>
      forgeReports(sealed, (text) => {
        const at = JSON.stringify(sealed.address.type);
        return text.replace(`[${at},{"received":${rows}`, `[${at},{"received":${rows + 1}`);
      }),
    "missing",
    [{ kind: "missing", hop: "edge", rows: 1, where: () => "ledger" }],
  ],
];

it.each(cases)("%s is found", async (name, tamper, verdict, faults) => {
  const sealed = await sealedBucket(name);
  await tamper(sealed);
  const audit = await auditAgain(sealed);
  expect(audit.verdict).toBe(verdict);
  for (const { where, ...fault } of faults) {
    const expected = where === undefined ? fault : { ...fault, where: where(sealed) };
    expect(audit.findings).toContainEqual(expect.objectContaining(expected));
  }
});

it("[AU9] what was mended is balanced again", async () => {
  const sealed = await sealedBucket("mended");
  await env.EVENTS.delete(sealed.key);
  expect(await auditAgain(sealed)).toMatchObject({ verdict: "missing" });
  await put(sealed.key, sealed.bytes);
  expect(await auditAgain(sealed)).toEqual({ verdict: "balanced", findings: [] });
});

it("[AU8] a shard that cannot be asked leaves the bucket unaudited", async () => {
  const sealed = await sealedBucket("shard-away");
  const getByName = env.EVENT_SHARD.getByName.bind(env.EVENT_SHARD);
  const away = vi.spyOn(env.EVENT_SHARD, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    if (name !== shardName(shardAddress(sealed.address))) return stub;
    return new Proxy(stub, {
      get: (target, method): unknown =>
        method === "lookUpAppends"
          ? () => Promise.reject(new Error("it is away"))
          : Reflect.get(target, method),
    });
  });
  expect(await auditAgain(sealed)).toMatchObject({
    verdict: "unaudited",
    findings: [{ kind: "unaudited", hop: "edge_to_shard", where: "shard 0" }],
  });
  away.mockRestore();
  expect(await auditAgain(sealed)).toMatchObject({ verdict: "balanced" });
});

// The last one: the ledger is that of every bucket of the hour.
it("[AU8] a ledger that was deleted leaves the bucket unaudited, and nothing is called surplus", async () => {
  const sealed = await sealedBucket("ledger-gone");
  for (const ledger of ledgersOf(sealed.address.hour)) {
    await runInDurableObject(ledger(), (_object, { storage }) => storage.deleteAll());
    await evictDurableObject(ledger());
  }
  const audit = await auditAgain(sealed);
  expect(audit.verdict).toBe("unaudited");
  expect(audit.findings).toMatchObject([{ kind: "unaudited", hop: "edge_to_shard", where: "shard 0" }]);
});
