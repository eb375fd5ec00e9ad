import { describe, expect, test } from "vitest";
import { type ExplainInput, explain, explainWithoutCatalog } from "../../domain/explain.ts";
import { epochMs, isoOf } from "../../domain/hour.ts";
import { type Finding, Hop } from "../../domain/verdict.ts";
import { hourOfText } from "./make.ts";

const hour = hourOfText("2026-11-23T10");
const at = (text: string) => epochMs(Date.parse(`2026-11-23T${text}Z`));
const catalog = {
  dueAtMs: at("11:10:00"),
  attempts: 0,
  lastStep: null,
  lastError: null,
  sealedAtMs: null,
  firstFaultAtMs: null,
  findings: [],
  load: null,
};
const bucket = {
  phase: "sealing",
  dueAtMs: at("11:10:00"),
  failedStep: null,
  error: null,
  failingSinceMs: null,
  missingReceipts: [],
};
const base: ExplainInput = {
  type: "shop.order",
  hour,
  state: "overdue",
  stream: { firstHour: hour, nextHour: hourOfText("2026-11-23T11"), graceMs: 600_000, end: null },
  catalog,
  bucket,
  events: null,
  unheard: null,
  shards: [],
  freeze: null,
  drain: undefined,
};
const reseal = "npm run ops -- reseal shop.order 2026-11-23T10 --yes";

/** In one line: the summary, then what it waits for. */
function told(input: Partial<ExplainInput>, now = at("11:20:00")): string {
  const { summary, reasons } = explain({ ...base, ...input }, now);
  return [summary, ...reasons.map(({ what, where, detail }) => `${what} ${where}: ${detail}`)].join(" | ");
}

describe("[OP10] a bucket that is not sealed", () => {
  test.each<[string, Partial<ExplainInput>, string]>([
    [
      "is not taken up",
      { catalog: null, bucket: null },
      "nobody has asked it to seal yet. | cron flusher: the cron has taken up the stream's hours before 2026-11-23T11 only",
    ],
    [
      "is taken up and not asked",
      { bucket: { ...bucket, phase: "open" } },
      "cron flusher: the cron has taken the hour up and not asked its bucket",
    ],
    [
      "does not answer",
      { bucket: null, unheard: "Error: it is away" },
      "the bucket does not answer. | bucket HourBucket: Error: it is away",
    ],
    [
      "is sealed, and D1 does not know",
      { bucket: { ...bucket, phase: "sealed" } },
      "The bucket is sealed, and the catalog has not heard of it.",
    ],
    [
      "waits for a shard that is away",
      {
        bucket: {
          ...bucket,
          missingReceipts: ["2026-11-23T10/3"],
          error: "x",
          failingSinceMs: at("11:11:00"),
        },
        shards: [{ shard: "2026-11-23T10/3", phase: null, why: "Error: overloaded", owes: {} }],
      },
      "waits for the receipts of 1 of its shards. | shard shard 2026-11-23T10/3: it does not answer: Error: overloaded",
    ],
    [
      "waits for a claim",
      {
        bucket: { ...bucket, missingReceipts: ["2026-11-23T10/3"] },
        shards: [{ shard: "2026-11-23T10/3", phase: "closed", why: null, owes: { "2026-11-23T07": 5 } }],
      },
      "claim shard 2026-11-23T10/3: the home of 2026-11-23T07 has not answered for 5 of its rows",
    ],
    [
      "fails at a step",
      { bucket: { ...bucket, failedStep: "put_merged", error: "Error: R2 is away" } },
      "the step put_merged fails. | step put_merged: Error: R2 is away",
    ],
  ])("%s", (_what, input, says) => {
    expect(told(input)).toContain(says);
  });

  test("is open until it is due", () => {
    const open = { state: "open", catalog: null, bucket: null } as const;
    expect(told(open, at("11:09:59"))).toContain("It is open until 2026-11-23T11:10:00.000Z");
  });

  test("says since when, and what to do", () => {
    const shards = [{ shard: "2026-11-23T10/3", phase: "closed", why: null, owes: { undated: 5 } }];
    const missing = { ...bucket, missingReceipts: ["2026-11-23T10/3"], failingSinceMs: at("11:11:00") };
    const { reasons, todo } = explain({ ...base, bucket: missing, shards }, at("11:20:00"));
    expect(reasons[0]?.since).toBe(isoOf(at("11:11:00")));
    expect(todo[0]).toBe(reseal);
    expect(todo[1]).toContain("rows move to the next open bucket by themselves");
  });

  test("with a broken invariant is to be kept as it is", () => {
    const broken = {
      ...bucket,
      failedStep: "create_manifest",
      error: "BrokenInvariant: broken invariant: other bytes",
    };
    expect(explain({ ...base, bucket: broken }, at("11:20:00")).todo[0]).toContain("keep it as it is");
  });
});

describe("[OP10] a sealed bucket", () => {
  test.each(Hop.options)("with a finding at %s gets advice", (hop) => {
    const finding: Finding = {
      kind: "missing",
      hop,
      where: "part-0",
      rows: 2,
      expected: null,
      found: null,
      detail: "gone",
    };
    const { summary, reasons, todo } = explain(
      {
        ...base,
        state: "missing",
        catalog: { ...catalog, findings: [finding], firstFaultAtMs: at("11:15:00") },
      },
      at("12:00:00"),
    );
    expect(summary).toBe("It is sealed, and it is missing.");
    expect(reasons).toEqual([
      {
        what: "finding",
        where: "part-0",
        since: isoOf(at("11:15:00")),
        detail: `missing 2 rows at ${hop}: gone`,
      },
    ]);
    const inR2 = ["manifest", "listing", "reread"].includes(hop);
    expect(todo.filter((line) => line.includes("rebuild-part"))).toHaveLength(inR2 ? 1 : 0);
    expect(todo).toHaveLength(inR2 ? 3 : 2);
    expect(todo.at(-1)).toBe("npm run ops -- reaudit shop.order 2026-11-23T10 --yes");
  });

  test.each<[ExplainInput["state"], string, number]>([
    ["balanced", "everything is there", 0],
    ["empty", "everything is there", 0],
    ["unverified", "no auditor has looked at it yet", 2],
    ["unaudited", "it is unaudited", 1],
    ["none", "It has not begun", 0],
  ])("that is %s", (state, says, todo) => {
    const explained = explain({ ...base, state }, at("09:00:00"));
    expect(explained.summary).toContain(says);
    expect(explained.todo).toHaveLength(todo);
  });

  test("a name with spaces is quoted in what to do", () => {
    expect(explain({ ...base, type: "a b" }, at("11:20:00")).todo.join()).toContain('reseal "a b" 2026');
  });
});

test("[OP13] a freeze is among the reasons, whatever the bucket is", () => {
  const freeze = { type: null, sinceMs: at("11:00:00"), author: "Ann", note: "evidence" };
  expect(told({ state: "balanced", freeze })).toBe(
    "It is sealed and balanced: everything is there. | freeze all streams: nothing is deleted, frozen by Ann: evidence",
  );
});

test("[DR4] a drain is among the reasons of every hour that had not ended before, with who and how it ends", () => {
  const drain = (text: string, note = "wrong prices") => ({ sinceMs: at(text), author: "Ann", note });
  const state = "empty";
  const ends = "npm run ops -- undrain shop.order --yes ends it";
  expect(told({ state, drain: drain("10:59:59.999") })).toContain(
    ` | drain edges: the stream takes no new events, drained by Ann: wrong prices; ${ends}`,
  );
  expect(told({ state, drain: drain("09:00:00", "") })).toContain(`drained by Ann; ${ends}`);
  expect(told({ state, drain: drain("11:00:00") })).toBe("It is sealed and balanced: everything is there.");
});

describe("[OP10] a bucket while D1 is away", () => {
  const why = "D1_ERROR: no such table";
  const without = (input: Partial<ExplainInput>): string => {
    const { state, summary, reasons } = explainWithoutCatalog({ ...base, ...input }, why);
    const because = reasons.map(({ what, where, detail }) => `${what} ${where}: ${detail}`);
    return [String(state), summary, ...because].join(" | ");
  };

  test.each<[string, Partial<ExplainInput>, string]>([
    [
      "sealed",
      { bucket: { ...bucket, phase: "sealed" } },
      "; the bucket itself is sealed, and whether it is balanced is known when D1 is back.",
    ],
    [
      "open",
      { bucket: { ...bucket, phase: "open" } },
      "; the bucket itself is open, and due at 2026-11-23T11:10:00.000Z.",
    ],
    ["blank", { bucket: { ...bucket, phase: null } }, "; no row has reached the bucket itself."],
  ])("is %s by its own word", (_what, input, says) => {
    expect(without(input)).toBe(`null | D1 does not answer${says} | catalog D1: ${why}`);
  });

  test("names whoever it waits for, and does not answer itself", () => {
    const shards = [{ shard: "2026-11-23T10/0", phase: null, why: "Error: it is away", owes: {} }];
    const waiting = { ...bucket, missingReceipts: ["2026-11-23T10/0"] };
    expect(without({ bucket: waiting, shards })).toContain(
      "waits for the receipts of 1 of its shards. | catalog D1: D1_ERROR: no such table | shard shard 2026-11-23T10/0: it does not answer: Error: it is away",
    );
    expect(without({ bucket: null, unheard: "Error: it is away" })).toContain(
      "D1 does not answer, and neither does the bucket. | catalog D1: D1_ERROR: no such table | bucket HourBucket: Error: it is away",
    );
  });
});

test("[OP10] what is no fault and costs is told of any bucket: rows that overflow shards took, events in quarantine", () => {
  const load = { shards: 2, rows: 90, spilledRows: 30 };
  const strained = {
    state: "balanced" as const,
    catalog: { ...catalog, load },
    events: { received: 100, quarantined: 10 },
  };
  expect(told(strained)).toBe(
    "It is sealed and balanced: everything is there. " +
      "| spill overflow shards: they took 30 of 90 rows: one of its 2 shards had no room for them, or did not answer; nothing is lost " +
      "| quarantine edges: 10 of 100 events that came were answered as quarantined",
  );
  const { todo } = explain({ ...base, ...strained }, at("12:00:00"));
  expect(todo).toEqual([
    expect.stringContaining("give the stream more shards"),
    expect.stringContaining("npm run streams -- quarantine shop.order --from 2026-11-23T10"),
  ]);
  const none = { catalog: { ...catalog, load: { ...load, spilledRows: 0 } }, events: { received: 100 } };
  expect(told({ ...strained, ...none })).toBe("It is sealed and balanced: everything is there.");
});
