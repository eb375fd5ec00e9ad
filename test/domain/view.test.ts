import { describe, expect, it } from "vitest";
import { type Hour, epochMs, parseHour } from "../../domain/hour.ts";
import { overdueMs, shardRowsTarget } from "../../domain/limits.ts";
import { type Manifest, type Part, manifestOf } from "../../domain/manifest.ts";
import { EventType, IdentitySumHex, ShardIndex } from "../../domain/ids.ts";
import { zeroTally } from "../../domain/tally.ts";
import type { Finding, Hop } from "../../domain/verdict.ts";
import { arrivalsOf } from "../../domain/view/arrivals.ts";
import { partView, shardView } from "../../domain/view/bucket.ts";
import { flowOf } from "../../domain/view/flow.ts";
import { type GridBucket, gridLine, stateOf } from "../../domain/view/grid.ts";
import { lifeOf } from "../../domain/view/life.ts";
import { bucketStates, isFault, stateAt, stateLetters } from "../../domain/view/state.ts";
import { recentHour, sealLatenessMs, targetLatenessOf } from "../../domain/view/stream.ts";

const at = (text: string) => epochMs(Date.parse(text));

function hour(text: string): Hour {
  const parsed = parseHour(text);
  if (parsed === null) throw new Error(`not an hour: ${text}`);
  return parsed;
}

const stream = {
  firstHour: hour("2026-11-23T08"),
  nextHour: hour("2026-11-23T11"),
  graceMs: 600_000,
  end: null,
};

function row(over: Partial<GridBucket> = {}): GridBucket {
  return {
    hour: hour("2026-11-23T10"),
    state: "sealed",
    dueAtMs: at("2026-11-23T11:10:00Z"),
    verdict: "balanced",
    rows: 3,
    ...over,
  };
}

describe("the state of a bucket", () => {
  const due = at("2026-11-23T12:10:00Z");

  it.each([
    [-1, "open"],
    [0, "due"],
    [overdueMs - 1, "due"],
    [overdueMs, "overdue"],
  ])("that has no row is told from the clock: %i ms after it is due it is %s", (ms, state) => {
    expect(stateOf(stream, hour("2026-11-23T11"), undefined, epochMs(due + ms))).toBe(state);
  });

  it.each([
    [-1, "open"],
    [0, "due"],
    [overdueMs, "overdue"],
  ])("that has a row and no seal goes by the row's due time: %i ms after it is %s", (ms, state) => {
    const bucket = row({ state: "due", verdict: null, rows: null });
    expect(stateOf(stream, bucket.hour, bucket, epochMs(bucket.dueAtMs + ms))).toBe(state);
  });

  it("that is sealed is its verdict; without one it is unverified, and an empty balanced one is empty", () => {
    const now = at("2026-11-23T12:00:00Z");
    const of = (over: Partial<GridBucket>) => stateOf(stream, row().hour, row(over), now);
    expect(of({ verdict: null })).toBe("unverified");
    expect(of({ rows: 0 })).toBe("empty");
    expect(of({})).toBe("balanced");
    expect(of({ verdict: "missing", rows: 0 })).toBe("missing");
  });

  it("before the stream or in the future there is none; a row that should be there and is not is unaudited", () => {
    const now = at("2026-11-23T11:30:00Z");
    expect(stateOf(stream, hour("2026-11-23T07"), undefined, now)).toBe("none");
    expect(stateOf(stream, hour("2026-11-23T12"), undefined, now)).toBe("none");
    expect(stateOf(stream, hour("2026-11-23T10"), undefined, now)).toBe("unaudited");
  });

  it("[RM2] after the end of a removed stream there is none, however overdue the clock would make it", () => {
    const now = at("2026-11-25T11:30:00Z");
    const ended = { ...stream, end: hour("2026-11-23T11") };
    expect(stateOf(ended, hour("2026-11-23T11"), undefined, now)).toBe("none");
    expect(stateOf(stream, hour("2026-11-23T11"), undefined, now)).toBe("overdue");
  });
});

it("[OP2] a line has a letter for each hour, and every letter is read back", () => {
  const line = gridLine(
    stream,
    [row()],
    { from: hour("2026-11-23T07"), hours: 6 },
    at("2026-11-23T11:30:00Z"),
  );
  expect(Array.from(line, (_, index) => stateAt(line, index))).toEqual([
    "none",
    "unaudited",
    "unaudited",
    "balanced",
    "open",
    "none",
  ]);
  expect(stateAt(line, line.length)).toBe("none");
  for (const state of bucketStates) expect(stateAt(stateLetters[state], 0)).toBe(state);
  expect(new Set(Object.values(stateLetters)).size).toBe(bucketStates.length);
  expect(bucketStates.filter(isFault)).toEqual(["overdue", "missing", "surplus", "corrupt", "unaudited"]);
});

const tally = (rows: number) => ({ rows, sum: IdentitySumHex.parse("00000000000000ff") });

function part(name: string, rows: number, homeHours: Record<string, number>): Part {
  return {
    key: `events/x/${name}`,
    format: "ndjson.gz",
    origin: ShardIndex.parse(0),
    tally: tally(rows),
    plainBytes: 10,
    homeHours,
    minTime: null,
    maxTime: null,
    bytes: 5,
    sha256: "a".repeat(64),
  };
}

const manifest: Manifest = manifestOf({
  address: { type: EventType.parse("x"), hour: hour("2026-11-23T10") },
  sealedAt: "2026-11-23T11:10:00.000Z",
  plan: {
    shards: 1,
    partitionBy: "id",
    hashVersion: 1,
    graceMs: 600_000,
    windowMs: 1,
    formats: ["ndjson.gz", "parquet"],
  },
  parts: [
    part("a", 6, { "2026-11-23T10": 4, "2026-11-23T08": 2 }),
    part("b", 5, { "2026-11-23T08": 1, "2026-11-22T00": 4 }),
    // The same rows once more, in columns.
    {
      ...part("c", 11, { "2026-11-23T10": 4, "2026-11-23T08": 3, "2026-11-22T00": 4 }),
      format: "parquet" as const,
    },
  ],
  shards: [
    {
      index: ShardIndex.parse(0),
      hour: hour("2026-11-23T10"),
      accepted: tally(9),
      reassignedIn: [],
      delivered: tally(7),
      denied: tally(1),
      reassignedOut: [{ hour: hour("2026-11-23T11"), tally: tally(1) }],
      unguarded: 0,
      duplicates: 3,
    },
    {
      index: ShardIndex.parse(4),
      hour: hour("2026-11-23T10"),
      accepted: zeroTally,
      reassignedIn: [{ hour: hour("2026-11-23T09"), tally: tally(4) }],
      delivered: tally(4),
      denied: zeroTally,
      reassignedOut: [],
      unguarded: 0,
      duplicates: 0,
    },
  ],
  strays: [],
});

function finding(kind: Finding["kind"], hop: Hop, rows: number, where = "events/x/a"): Finding {
  return { kind, hop, where, rows, expected: null, found: null, detail: "" };
}

describe("[OP3] the flow", () => {
  const events = { received: 14, accepted: 9, duplicates: 3, refused: 2, failed: 0 };

  it("shows each hop's own counter, and what lawfully joined and left", () => {
    const steps = flowOf({ events, manifest, findings: [], audited: true });
    expect(steps.map(({ name, rows }) => [name, rows])).toEqual([
      ["received", 14],
      ["accepted", 9],
      ["delivered", 11],
      ["listed", 11],
      ["reread", 11],
    ]);
    expect(steps[0]?.left).toEqual([
      { name: "duplicates", rows: 3 },
      { name: "refused", rows: 2 },
    ]);
    expect(steps[1]?.joined).toEqual([{ name: "moved in", rows: 4 }]);
    expect(steps[1]?.left).toEqual([
      { name: "denied", rows: 1 },
      { name: "moved out", rows: 1 },
    ]);
  });

  it.each([
    ["edge", "received"],
    ["edge_to_shard", "accepted"],
    ["enrolment", "accepted"],
    ["homes", "delivered"],
    ["denials", "delivered"],
    ["moves", "delivered"],
    ["shard", "delivered"],
    ["parts", "listed"],
    ["manifest", "listed"],
    ["listing", "reread"],
    ["reread", "reread"],
  ] as const)("shows a loss at hop %s where %s", (hop, name) => {
    const steps = flowOf({ events, manifest, findings: [finding("missing", hop, 5)], audited: true });
    expect(steps.filter(({ missing }) => missing > 0).map((step) => [step.name, step.missing])).toEqual([
      [name, 5],
    ]);
  });

  it("counts what is found in R2 from what the findings say of the parts", () => {
    const findings = [
      finding("missing", "listing", 6),
      finding("surplus", "reread", 2),
      finding("corrupt", "reread", 0),
    ];
    const reread = flowOf({ events, manifest, findings, audited: true }).at(-1);
    expect(reread).toMatchObject({ rows: 7, missing: 6, surplus: 2, otherFindings: 1 });
  });

  it("says of no hop more than it knows", () => {
    const steps = flowOf({ events: null, manifest: null, findings: [], audited: false });
    expect(steps.map(({ rows }) => rows)).toEqual([null, null, null, null, null]);
    expect(flowOf({ events, manifest, findings: [], audited: false }).at(-1)?.rows).toBeNull();
  });
});

describe("[OP3] a bucket's page", () => {
  it("tells the life in order, and what is still to come", () => {
    const moments = lifeOf(
      {
        hour: hour("2026-11-23T10"),
        dueAtMs: at("2026-11-23T11:10:00Z"),
        failingSinceMs: at("2026-11-23T11:10:02Z"),
        sealedAtMs: null,
        firstFaultAtMs: null,
        verifiedAtMs: null,
      },
      at("2026-11-23T11:12:00Z"),
    );
    expect(moments.map(({ what, past }) => [what, past])).toEqual([
      ["begins", true],
      ["ends", true],
      ["due", true],
      ["failing", true],
    ]);
  });

  it.each([
    [overdueMs - 1, false],
    [overdueMs, true],
  ])("a seal %i ms after it was due: was overdue is %s", (ms, overdue) => {
    const dueAtMs = at("2026-11-23T11:10:00Z");
    const input = { hour: hour("2026-11-23T10"), dueAtMs, failingSinceMs: null, firstFaultAtMs: null };
    const sealed = { ...input, sealedAtMs: epochMs(dueAtMs + ms), verifiedAtMs: null };
    const what = lifeOf(sealed, at("2026-11-24T00:00:00Z")).map((moment) => moment.what);
    expect(what.includes("overdue")).toBe(overdue);
  });

  it("names the hours that late rows are of, most rows first, and what moved in", () => {
    expect(arrivalsOf(manifest)).toEqual({
      ownRows: 4,
      from: [
        { homeHour: "2026-11-22T00", rows: 4 },
        { homeHour: "2026-11-23T08", rows: 3 },
      ],
      movedIn: [{ hour: "2026-11-23T09", rows: 4 }],
    });
  });

  it("marks the part that a finding names", () => {
    const [first, second] = manifest.parts.map((of) => partView(of, [finding("corrupt", "reread", 0)]));
    expect([first?.name, first?.fault, second?.fault]).toEqual(["a", "corrupt", null]);
    expect(manifest.shards.map(shardView)).toMatchObject([
      { accepted: 9, denied: 1, movedOut: 1, movedIn: 0 },
      { accepted: 0, movedIn: 4 },
    ]);
  });
});

it("[OP3] a stream's hour is told with its late rows, its busiest shard, and shards beyond its plan", () => {
  expect(recentHour(manifest)).toEqual({
    hour: "2026-11-23T10",
    rows: 11,
    duplicates: 3,
    denied: 1,
    late: 7,
    schemaVersion: null,
    planShards: 1,
    overflowShards: 1,
    busiestRows: 9,
    neededShards: expect.closeTo(12 / shardRowsTarget, 10) as number,
  });
  expect(targetLatenessOf({ graceMs: 1_000, targetLatenessMs: null })).toBe(1_000 + overdueMs);
  expect(targetLatenessOf({ graceMs: 1_000, targetLatenessMs: 7 })).toBe(7);
  expect(sealLatenessMs(hour("2026-11-23T10"), at("2026-11-23T11:10:04Z"))).toBe(604_000);
});
