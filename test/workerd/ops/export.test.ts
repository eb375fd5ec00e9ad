/** A shard's state as lines, on the real runtime: of one that holds rows in every state, and of one that holds nothing. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { plusHours } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { exportPageBytesMax } from "../../../domain/limits.ts";
import { bucket } from "../helpers.ts";
import {
  append,
  bucketOf,
  due,
  during,
  hourText,
  linesOf,
  manifestAt,
  rowOf,
  rowsOf,
  setClock,
  shardOf,
  sql,
  upTo,
} from "../helpers-objects.ts";
import { register } from "../helpers-system.ts";
import { ask, newKey } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const Line = z.looseObject({ record: z.string() });
type Line = z.infer<typeof Line>;

interface Exported {
  readonly text: string;
  readonly pages: number;
  readonly lines: readonly Line[];
}

/** All pages; `between` happens after the first one. */
async function exported(
  { type, hour }: BucketAddress,
  bytes = exportPageBytesMax,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Exported> {
  let text = "";
  let after = "";
  for (let pages = 1; ; pages++) {
    const path = `GET /v1/ops/export/${encodeURIComponent(type)}/${hour}/0?bytes=${bytes}${after}`;
    const response = await ask(path);
    expect(response.status).toBe(200);
    text += new TextDecoder().decode(await response.arrayBuffer());
    const next = response.headers.get("hourseal-next");
    if (next === null) {
      const lines = text.trimEnd().split("\n");
      return { text, pages, lines: lines.map((line) => Line.parse(JSON.parse(line))) };
    }
    if (pages === 1) await between();
    after = `&after=${encodeURIComponent(next)}`;
  }
}

const of = ({ lines }: Exported, record: string) => lines.filter((line) => line.record === record);

async function fresh(name: string): Promise<BucketAddress> {
  const address = bucket(`export/${name}`, hourText);
  setClock(during(address));
  await register(address.type);
  return address;
}

/** A row whose home is the hour before. */
function foreignRow(address: BucketAddress, id: string) {
  const early = { ...address, hour: plusHours(address.hour, -1) };
  return { ...rowOf(early, id), timeMs: during(early), claims: 1 as const };
}

const tables = (address: BucketAddress) =>
  sql<{ name: string }>(
    shardOf(address),
    "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'",
  );

describe("[OP16] an export", () => {
  it("has every row once, over pages as over one, and the shard seals the same afterwards", async () => {
    const address = await fresh("pages");
    const ids = upTo(12);
    for (const id of ids) await append(address, rowsOf(address, [id]));
    await append(address, [foreignRow(address, "late")]);
    const whole = await exported(address);
    const paged = await exported(address, 1);
    expect(paged.text).toBe(whole.text);
    expect(whole.pages).toBe(1);
    expect(paged.pages).toBeGreaterThan(ids.length);
    expect(of(whole, "shard")).toMatchObject([{ phase: "open", plan: { shards: 1 }, duplicates: 0 }]);
    expect(whole.lines.at(-1)).toEqual({ record: "end", changed: false });
    expect(of(whole, "tags").flatMap(({ tags }) => tags)).toHaveLength(13);
    expect(of(whole, "foreign")).toMatchObject([{ claims: ["dated"], line: { event: { id: "late" } } }]);
    expect(of(whole, "row").map(({ line }) => line)).toEqual(
      ids.map((id): unknown => JSON.parse(rowOf(address, id).line)),
    );

    const now = setClock(due(address));
    const { type, hour } = address;
    const path = `POST /v1/ops/reseal/${encodeURIComponent(type)}/${hour}`;
    const reply = await (await ask(path, { now, body: { dryRun: false } })).json();
    expect(reply).toMatchObject({ reply: { state: "sealed" } });
    const { parts } = await manifestAt(address);
    expect(parts.reduce((sum, { tally }) => sum + tally.rows, 0)).toBe(13);
    const sealed = await exported(address, 1);
    expect(of(sealed, "shard")).toMatchObject([{ phase: "closed" }]);
    expect(of(sealed, "answer")).toMatchObject([{ granted: { rows: 1 }, denied: [] }]);
    expect(of(sealed, "foreign")).toEqual([]);
    // The rows are the very characters that were delivered.
    const delivered = await linesOf(parts[0]?.key ?? "");
    const lines = sealed.text.split("\n").filter((line) => line.startsWith('{"record":"row"'));
    expect(lines.map((line) => line.slice(line.indexOf(',"line":') + 8, -1)).toSorted()).toEqual(
      delivered.toSorted(),
    );

    expect(await shardOf(address).dropPayloads(hour, now)).toBe(true);
    const dropped = await exported(address);
    expect(of(dropped, "row")).toEqual([]);
    expect(of(dropped, "dropped").reduce((sum, { rows }) => sum + Number(rows), 0)).toBe(13);
  });

  it("of a blank shard says blank, and leaves it blank: no table, no alarm, no enrolment, no bucket", async () => {
    const address = await fresh("blank");
    const { lines, pages } = await exported(address, 1);
    expect(pages).toBe(1);
    expect(lines).toMatchObject([{ record: "shard", phase: "blank" }, { record: "end" }]);
    expect(await tables(address)).toEqual([]);
    const stored = (stub: DurableObjectStub) =>
      runInDurableObject(stub, async (_object, { storage }) => ({
        alarm: await storage.getAlarm(),
        keys: [...(await storage.list()).keys()],
      }));
    expect(await stored(shardOf(address))).toEqual({ alarm: null, keys: [] });
    const bucketTables = await sql(
      bucketOf(address),
      "SELECT name FROM sqlite_master WHERE name = 'schema_version'",
    );
    expect(bucketTables).toEqual([]);
  });

  it("misses nothing that came before it began, and says at its end that the shard was changed meanwhile", async () => {
    const address = await fresh("changed");
    for (const id of upTo(3)) await append(address, rowsOf(address, [id]));
    const more = () => append(address, rowsOf(address, ["more"]));
    const changed = await exported(address, 1, more);
    expect(of(changed, "row").length).toBeGreaterThanOrEqual(3);
    expect(changed.lines.at(-1)).toEqual({ record: "end", changed: true });
  });

  it("names what is stored and does not add up, and goes on", async () => {
    const address = await fresh("fault");
    await append(address, rowsOf(address, [1, 2]));
    await append(address, rowsOf(address, [3]));
    const [first] = await sql<{ seq: number }>(shardOf(address), "SELECT min(seq) AS seq FROM batch");
    await sql(
      shardOf(address),
      "UPDATE batch SET fingerprints = zeroblob(16) WHERE seq = ?",
      first?.seq ?? 0,
    );
    const found = await exported(address);
    expect(of(found, "fault")).toMatchObject([{ batch: first?.seq, detail: "2 lines have 1 identities" }]);
    expect(of(found, "row")).toMatchObject([{ line: { event: { id: "3" } } }]);
  });

  it("is refused with what is wrong, and to a key that is not an operator's", async () => {
    const { type, hour } = await fresh("refused");
    const path = `GET /v1/ops/export/${encodeURIComponent(type)}/${hour}`;
    const statusOf = async (rest: string) => (await ask(path + rest)).status;
    expect(await statusOf(`/0?bytes=${exportPageBytesMax}`)).toBe(200);
    expect(await statusOf(`/0?bytes=${exportPageBytesMax + 1}`)).toBe(400);
    expect(await statusOf("/0?bytes=0")).toBe(422);
    expect(await statusOf("/zero")).toBe(422);
    expect(await statusOf("/0?after=row.1")).toBe(422);
    expect(await statusOf("/0?after=cellar.1.x")).toBe(422);
    expect((await ask(`GET /v1/ops/export/nobody/${hour}/0`)).status).toBe(404);
    const { key } = await newKey("read:audit", "read:buckets");
    expect((await ask(`${path}/0`, { key })).status).toBe(403);
  });
});
