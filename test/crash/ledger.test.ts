/** The ledger's crash matrix: an edge that opens its account and reports, with every call to the outside failed. */
import { beforeAll, describe, expect, it } from "vitest";
import { endOf, startOf } from "../../domain/hour.ts";
import { AppendNo } from "../../domain/ids.ts";
import { type BucketAccount, type Report, zeroCounts } from "../../domain/ledger.ts";
import { Ledger } from "../../durable-objects/edge-ledger/ledger.ts";
import { LedgerStore } from "../../durable-objects/edge-ledger/store.ts";
import { edgeOf, hour, indexOf, tallyOf, type } from "../domain/make.ts";
import { type Fault, Host, Outside, failures, untilDone } from "./harness.ts";

const retireAtMs = endOf(hour);

/** Report number `no` of an edge: one append was sent, and the one before has its outcome. */
function reportOf(edge: number, no: number): Report {
  const append = (number: number) => AppendNo.parse(number);
  const outcome = { no: append(Math.max(1, no - 1)), duplicate: tallyOf([]), refused: tallyOf([]) };
  return {
    edge: edgeOf(edge),
    hour,
    no,
    sent: [{ no: append(no), type, index: indexOf(0), tally: tallyOf([no]) }],
    outcomes: no === 1 ? [] : [{ ...outcome, accepted: tallyOf([no - 1]) }],
    events: [[type, { ...zeroCounts, received: 1, accepted: 1 }]],
  };
}

class World {
  readonly outside: Outside;
  readonly ledger: Host<Ledger>;

  constructor(fault: Fault | null) {
    const outside = new Outside(fault);
    this.outside = outside;
    this.ledger = new Host("ledger", outside, ({ life, storage, armAlarm }) => {
      return new Ledger(storage, {
        now: () => outside.call(life, "clock: now", async () => startOf(hour)),
        armAlarm,
        mayDelete: async () => true,
        abort: (reason) => {
          life.end(reason);
        },
        log: () => undefined,
      });
    });
  }

  /** Opens the account; once the edge is told so, the ledger durably knows it. */
  async open(edge: number): Promise<void> {
    await untilDone(() => this.ledger.call((ledger) => ledger.open(edgeOf(edge), retireAtMs)));
    expect(new LedgerStore(this.ledger.durable()).accounts().has(edgeOf(edge))).toBe(true);
    expect(await this.ledger.durable().getAlarm()).toBe(retireAtMs);
  }

  /** Reports until it is taken; what is taken is durable. */
  async report(report: Report): Promise<void> {
    await untilDone(async () => {
      expect(await this.ledger.call((ledger) => ledger.report(report))).toEqual({ taken: true });
    });
    const account = new LedgerStore(this.ledger.durable()).accounts().get(report.edge);
    expect(account?.lastReport).toBeGreaterThanOrEqual(report.no);
  }

  account(): Promise<BucketAccount> {
    return untilDone(() => this.ledger.call((ledger) => ledger.account(type)));
  }
}

async function play(world: World): Promise<BucketAccount> {
  await world.open(1);
  await world.report(reportOf(1, 1));
  await Promise.all([world.open(2), world.report(reportOf(1, 2))]);
  await world.report(reportOf(2, 1));
  await Promise.all([
    world.report(reportOf(1, 3)),
    world.report(reportOf(1, 3)),
    world.report(reportOf(2, 2)),
  ]);
  const gap = await untilDone(() => world.ledger.call((ledger) => ledger.report(reportOf(1, 5))));
  expect(gap).toEqual({ taken: false, why: "gap" });
  const unknown = await untilDone(() => world.ledger.call((ledger) => ledger.report(reportOf(3, 1))));
  expect(unknown).toEqual({ taken: false, why: "unknown_edge" });
  return world.account();
}

describe("a ledger", () => {
  const clean = new World(null);
  let calls: readonly string[] = [];
  let expected: BucketAccount | null = null;

  beforeAll(async () => {
    expected = await play(clean);
    calls = [...clean.outside.calls];
  });

  it("[LE3] adds up what the edges reported", () => {
    expect(expected).toMatchObject({
      edges: [
        { edge: edgeOf(1), sentThrough: 3 },
        { edge: edgeOf(2), sentThrough: 2 },
      ],
      events: { received: 5, accepted: 5 },
      strayOutcomes: 0,
    });
  });

  it.each(failures)(
    "[LE1] [LE2] [LE3] durably knows what it said it took, once, when any call %s",
    async (failure) => {
      for (const [call, name] of calls.entries()) {
        const world = new World({ call, failure });
        const at = `call ${call}, ${name}`;
        const account = await play(world).catch((error: unknown) => {
          throw new Error(at, { cause: error });
        });
        expect(world.outside.failed, at).toBe(true);
        expect(account, at).toEqual(expected);
        world.ledger.crash();
        expect(await world.account(), at).toEqual(expected);
      }
    },
  );
});
