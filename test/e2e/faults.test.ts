/**
 * Each fault is caused on the running system, and is seen in all the places where an operator looks: the page in a real
 * browser, the report, the metrics, the alert, and `explain`. None of them says so before, while all is well.
 *
 * The page is left out where there is no Chromium, and the rules where there is no promtool.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath } from "../browser/browser.ts";
import { fires, hasPromtool } from "./faults/rules.ts";
import { type FaultySystem, type Seen, badHour, startFaultySystem, wellHour } from "./faults/system.ts";

/** Why a fault does not show in a place. */
interface NotThere {
  readonly because: string;
}

interface Fault {
  readonly name: string;
  readonly type: string;
  readonly page: RegExp;
  readonly report: RegExp;
  readonly metric: RegExp;
  /** The alert of ops/alerts.yml. */
  readonly rule: string;
  readonly webhook: RegExp | NotThere;
  readonly explain: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: "a lost part",
    type: "shop.lost",
    page: /found in R2\s+0\s+− 20 rows missing here/,
    report:
      /MISSING {2}shop\.lost, of shop.*\n.*\n {4}missing 20 at listing: .*part-.*[^]*NOT EVERYTHING IS THERE: 1 missing/,
    metric: /^hourseal_buckets\{state="missing"\} 1$/m,
    rule: "HoursealRowsMissing",
    webhook: /^signed missing$/,
    explain:
      /It is sealed, and it is missing\.\nfinding: .*part-.*: missing 20 rows at listing[^]*do: npm run ops -- rebuild-part shop\.lost/,
  },
  {
    name: "an overdue stream",
    type: "shop.overdue",
    page: /Waits for receipts of\s+2026-11-23T10\/0\s+Failed attempts\s+[1-9]/,
    report: /OVERDUE {2}shop\.overdue, of shop[^]*collect_receipts[^]*NOT EVERYTHING IS THERE: 1 overdue/,
    metric: /^hourseal_stream_overdue_buckets\{type="shop\.overdue",owner="shop"\} 1$/m,
    rule: "HoursealStreamOverdue",
    webhook: /^signed overdue$/,
    explain:
      /It is overdue since .*waits for the receipts of 1 of its shards\.\nshard: shard 2026-11-23T10\/0: it does not answer/,
  },
  {
    name: "a hot shard",
    type: "shop.hot",
    page: /\d overflow/,
    report: /strained {2}shop\.hot, of shop, in 1 hour.*\n {4}overflow shards took 39 of 40 rows/,
    metric: /^hourseal_spilled_rows_total 39$/m,
    rule: "HoursealShardsSpill",
    webhook: { because: "nothing is missing, nor late: nobody is told of a bucket that is balanced" },
    explain: /balanced[^]*spill: overflow shards: they took 39 of 40 rows[^]*do: give the stream more shards/,
  },
  {
    name: "a quarantine flood",
    type: "shop.flood",
    page: /400 went into quarantine, with a reason/,
    report: /strained {2}shop\.flood, of shop, in 1 hour.*\n {4}400 events answered as quarantined/,
    metric: /^hourseal_events_total\{outcome="quarantined"\} 400$/m,
    rule: "HoursealEventsQuarantined",
    webhook: {
      because: "the events are sealed, in another stream: nobody is told of a bucket that is balanced",
    },
    explain:
      /quarantine: edges: 400 of 400 events[^]*do: npm run streams -- quarantine shop\.flood --from 2026-11-23T10/,
  },
];

const catalogAway: Fault = {
  name: "D1 away",
  type: "shop.lost",
  page: /Not reached, trying again[^]*No bucket\./,
  report: /answered 503: The catalog or the bucket cannot be reached/,
  metric: /^hourseal_source_up\{source="catalog"\} 0$/m,
  rule: "HoursealSourceDown",
  webhook: { because: "what was told to whom is in D1: webhooks wait with it, and the metrics tell" },
  explain: /D1 does not answer; the bucket itself is sealed[^]*catalog: D1: [^]*do: nothing is lost/,
};

let system: FaultySystem;
const before = new Map<string, Seen>();
const after = new Map<string, Seen>();
const seen = (of: ReadonlyMap<string, Seen>, { name }: Fault): Seen => {
  const found = of.get(name);
  if (found === undefined) throw new Error(`nobody looked for ${name}`);
  return found;
};

beforeAll(async () => {
  system = await startFaultySystem();
  for (const { name, type } of faults) before.set(name, await system.look(type, wellHour));
  await system.goWrong();
  for (const { name, type } of faults) after.set(name, await system.look(type, badHour));
  before.set(catalogAway.name, seen(after, faults[0] ?? catalogAway));
  await system.loseCatalog();
  after.set(catalogAway.name, await system.look(catalogAway.type, badHour));
  await system.findCatalog();
}, 120_000);

afterAll(() => system.end());

describe.each([...faults, catalogAway])("$name", (fault) => {
  const shows = (place: "report" | "metrics" | "explain", what: RegExp): void => {
    expect(seen(before, fault)[place]).not.toMatch(what);
    expect(seen(after, fault)[place]).toMatch(what);
  };

  test.skipIf(browserPath === null)("[OP3] shows on the page", () => {
    expect(seen(before, fault).page).not.toMatch(fault.page);
    expect(seen(after, fault).page).toMatch(fault.page);
  });

  test("[OP7] shows in the report", () => {
    shows("report", fault.report);
  });

  test("[OP8] shows in the metrics", () => {
    shows("metrics", fault.metric);
  });

  test.skipIf(!hasPromtool)(`[OP8] makes the alert ${fault.rule} fire`, () => {
    const [well, bad] = [seen(before, fault).metrics, seen(after, fault).metrics];
    expect(fires(fault.rule, well, well)).toBe(false);
    expect(fires(fault.rule, well, bad)).toBe(true);
  });

  test("[OP9] is told by a signed webhook, or there is a reason", () => {
    expect(seen(before, fault).webhooks === "" || fault === catalogAway).toBe(true);
    if (fault.webhook instanceof RegExp) expect(seen(after, fault).webhooks).toMatch(fault.webhook);
    else expect(seen(after, fault).webhooks).toBe(seen(before, fault).webhooks);
  });

  test("[OP10] is explained, with what to do", () => {
    shows("explain", fault.explain);
  });
});

test("D1 back, everything is seen as before it was away", async () => {
  const { page, report, explain } = await system.look(catalogAway.type, badHour);
  for (const text of [page, report, explain]) if (text !== null) expect(text).toMatch(/missing/i);
  expect(explain).not.toMatch(catalogAway.explain);
});
