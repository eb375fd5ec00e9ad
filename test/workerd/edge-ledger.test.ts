/** A ledger object on the real runtime: accounts, reports, retirement. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startOf } from "../../domain/hour.ts";
import { AppendNo, EdgeId, ShardIndex, ledgerName } from "../../domain/ids.ts";
import { type Report, type Sent, zeroCounts } from "../../domain/ledger.ts";
import { type Tally, zeroTally } from "../../domain/tally.ts";
import type { EdgeLedger } from "../../workers/index.ts";
import { hour, sealed, type } from "./helpers.ts";
import { alarmOf, failing, hourText, setClock, sql, tablesOf } from "./helpers-objects.ts";

const now = startOf(hour(hourText));
const retireAt = now + 9 * 86_400_000;
const edge = EdgeId.parse("00000000000000aa");
const other = EdgeId.parse("00000000000000bb");
const stream = type("ledger");

afterEach(() => {
  vi.useRealTimers();
});

let lastSlot = 100;

/** A ledger object of its own for each test: its slot is past those that edges use. */
function fresh(): () => DurableObjectStub<EdgeLedger> {
  setClock(now);
  const name = ledgerName(hour(hourText), ++lastSlot);
  return () => env.EDGE_LEDGER.getByName(name);
}

function tally(rows: number): Tally {
  return { ...sealed("2031-11-23T11:10:00Z").tally, rows };
}

function sent(no: number, rows: number, more: Partial<Sent> = {}): Sent {
  return { no: AppendNo.parse(no), type: stream, index: ShardIndex.parse(0), tally: tally(rows), ...more };
}

function reportNo(no: number, more: Partial<Report> = {}): Report {
  return { edge, hour: hour(hourText), no, sent: [], outcomes: [], events: [], ...more };
}

const taken = { taken: true };

describe("an account", () => {
  it("[LE1] is known durably once it was opened, and nobody else is", async () => {
    const ledger = fresh();
    expect(await ledger().report(reportNo(1))).toEqual({ taken: false, why: "unknown_edge" });
    expect(await tablesOf(ledger())).toEqual([]);
    await ledger().open(edge, retireAt);
    await evictDurableObject(ledger());
    expect(await ledger().report(reportNo(1))).toEqual(taken);
    expect(await ledger().report(reportNo(1, { edge: other }))).toEqual({
      taken: false,
      why: "unknown_edge",
    });
  });

  it("[LE1] opened again is the same account", async () => {
    const ledger = fresh();
    await ledger().open(edge, retireAt);
    await ledger().report(reportNo(1, { sent: [sent(1, 5)] }));
    await ledger().open(edge, retireAt + 1);
    expect(await ledger().account(stream)).toMatchObject({
      edges: [{ edge, sentThrough: 1 }],
      shards: [{ sent: { rows: 5 } }],
    });
    expect(await alarmOf(ledger())).toBe(retireAt);
  });

  it("of a blank ledger is empty, and asking for it writes nothing", async () => {
    const ledger = fresh();
    expect(await ledger().account(stream)).toEqual({
      shards: [],
      edges: [],
      events: zeroCounts,
      strayOutcomes: 0,
    });
    expect(await tablesOf(ledger())).toEqual([]);
  });

  it("[AU2] adds up what was sent and answered, by edge and shard, and names what has no outcome", async () => {
    const ledger = fresh();
    await ledger().open(edge, retireAt);
    await ledger().open(other, retireAt);
    const elsewhere = { type: type("ledger/else") };
    await ledger().report(
      reportNo(1, {
        sent: [sent(1, 5), sent(2, 3), sent(3, 7, elsewhere)],
        events: [[stream, { ...zeroCounts, received: 8, accepted: 8 }]],
      }),
    );
    await ledger().report(
      reportNo(2, {
        sent: [sent(4, 1, { index: ShardIndex.parse(1) })],
        outcomes: [{ no: AppendNo.parse(1), accepted: tally(4), duplicate: tally(1), refused: zeroTally }],
        events: [[stream, { ...zeroCounts, received: 1, failed: 1 }]],
      }),
    );
    const expected = {
      edges: [
        { edge, sentThrough: 4 },
        { edge: other, sentThrough: 0 },
      ],
      events: { received: 9, accepted: 8, duplicates: 0, refused: 0, failed: 1 },
      shards: [
        {
          edge,
          index: 0,
          sent: { rows: 8 },
          accepted: { rows: 4 },
          duplicate: { rows: 1 },
          refused: { rows: 0 },
          unresolved: [{ no: 2, tally: tally(3) }],
        },
        { edge, index: 1, sent: { rows: 1 }, unresolved: [{ no: 4 }] },
      ],
    };
    expect(await ledger().account(stream)).toMatchObject(expected);
    await evictDurableObject(ledger());
    expect(await ledger().account(stream)).toMatchObject(expected);
  });
});

describe("a report", () => {
  it("[LE3] repeated changes nothing, at once or after a restart; after a gap it is refused", async () => {
    const ledger = fresh();
    await ledger().open(edge, retireAt);
    const first = reportNo(1, { sent: [sent(1, 5)], events: [[stream, { ...zeroCounts, received: 5 }]] });
    const replies = await Promise.all([1, 2, 3].map(() => ledger().report(first)));
    expect(replies).toEqual([taken, taken, taken]);
    expect(await ledger().report(reportNo(3))).toEqual({ taken: false, why: "gap" });
    await evictDurableObject(ledger());
    expect(await ledger().report(first)).toEqual(taken);
    expect(await ledger().account(stream)).toMatchObject({
      events: { received: 5 },
      shards: [{ sent: { rows: 5 } }],
    });
    expect(await ledger().report(reportNo(2))).toEqual(taken);
    expect(await sql(ledger(), "SELECT no FROM report")).toEqual([{ no: 1 }, { no: 2 }]);
  });

  it("[LE3] is taken only when it is durable, also when it is a repetition", async () => {
    const ledger = fresh();
    await ledger().open(edge, retireAt);
    await runInDurableObject(ledger(), async (object, { storage }) => {
      const durable = Promise.withResolvers<void>();
      const sync = vi.spyOn(storage, "sync").mockImplementation(() => durable.promise);
      const answered: number[] = [];
      const both = [1, 2].map((nth) => object.report(reportNo(1)).then(() => answered.push(nth)));
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      expect(answered).toEqual([]);
      durable.resolve();
      await Promise.all(both);
      sync.mockRestore();
    });
  });

  it("[LE3] that could not be written is not counted, and taken when it comes again", async () => {
    const ledger = fresh();
    await ledger().open(edge, retireAt);
    const disk = await failing(ledger, "INSERT ON report");
    const stub = ledger();
    const failed = await stub.report(reportNo(1, { sent: [sent(1, 5)] })).then(() => "taken", String);
    expect(failed).toContain("disk is broken");
    await disk.restore();
    expect(await ledger().account(stream)).toMatchObject({ shards: [] });
    expect(await ledger().report(reportNo(1, { sent: [sent(1, 5)] }))).toEqual(taken);
    expect(await ledger().account(stream)).toMatchObject({ shards: [{ sent: { rows: 5 } }] });
  });
});

it("[BU11] a ledger deletes itself when its time has come, and not before", async () => {
  const ledger = fresh();
  await ledger().open(edge, retireAt);
  await ledger().report(reportNo(1, { sent: [sent(1, 5)] }));
  setClock(retireAt - 1);
  await runDurableObjectAlarm(ledger());
  expect(await ledger().account(stream)).toMatchObject({ shards: [{ sent: { rows: 5 } }] });
  expect(await alarmOf(ledger())).toBe(retireAt);
  setClock(retireAt);
  await runDurableObjectAlarm(ledger()).catch(() => false);
  await vi.waitFor(async () => {
    expect(await tablesOf(ledger())).toEqual([]);
  });
  expect(await ledger().report(reportNo(2))).toEqual({ taken: false, why: "unknown_edge" });
});
