import { describe, expect, it } from "vitest";
import { graceMsMax, overdueMs, retentionMsMin, schemasBytesMax, streamsMax } from "../../domain/limits.ts";
import { StreamSettings, TypeName } from "../../domain/stream.ts";
import { type NamedSettings, planChange, targetLatenessOf } from "../../domain/stream-change.ts";

const dayMs = 86_400_000;

function named(type: string, settings: object = {}): NamedSettings {
  return { type: TypeName.parse(type), settings: StreamSettings.parse(settings) };
}

/** The same with a window that the form may not allow. */
function withWindow(type: string, windowMs: number): NamedSettings {
  const { settings, ...rest } = named(type);
  return { ...rest, settings: { ...settings, windowMs } };
}

function reasons(...given: Parameters<typeof planChange>): string[] {
  const plan = planChange(...given);
  return plan.ok ? [] : plan.refused.map(({ type, setting, reason }) => `${type} ${setting}: ${reason}`);
}

describe("what a change does", () => {
  it("[CF1] adds what is new, changes what differs field by field, and leaves the rest alone", () => {
    const current = [named("same"), named("other", { shards: 2, owner: "us" }), named("unnamed")];
    const wanted = [named("same"), named("other", { shards: 4, owner: "us", graceMs: 0 }), named("new")];
    expect(planChange(current, wanted)).toEqual({
      ok: true,
      changes: [
        {
          change: "change",
          type: "other",
          before: current[1]?.settings,
          after: wanted[1]?.settings,
          fields: [
            { setting: "graceMs", from: 600_000, to: 0 },
            { setting: "shards", from: 2, to: 4 },
          ],
        },
        { change: "add", type: "new", after: wanted[2]?.settings },
      ],
    });
  });

  it("[CF1] is nothing if everything is there already", () => {
    expect(planChange([named("a")], [named("a")])).toEqual({ ok: true, changes: [] });
  });
});

describe("[RM1] a removal", () => {
  const gone = (type: string, settings: object = {}) => ({ ...named(type, settings), removed: true });
  const types = (...names: string[]) => names.map((name) => TypeName.parse(name));

  it("takes away what is named, with the settings that it had, and nothing that is only left out", () => {
    const current = [named("a", { owner: "us" }), named("b")];
    expect(planChange(current, [], types("a"))).toEqual({
      ok: true,
      changes: [{ change: "remove", type: "a", before: current[0]?.settings, after: null }],
    });
    expect(planChange(current, [named("b")])).toEqual({ ok: true, changes: [] });
  });

  it("repeated is no change; of a stream that never was it is refused, and of one that is set at once", () => {
    expect(planChange([gone("a")], [], types("a"))).toEqual({ ok: true, changes: [] });
    expect(reasons([], [], types("a"))).toEqual(["a null: no stream of this type was ever there"]);
    expect(reasons([named("a")], [named("a")], types("a"))).toEqual([
      "a null: it is set and removed at once; take it out of the file",
    ]);
  });

  it("of quarantine is refused while a stream keeps there what it does not take", () => {
    const quarantine = named("hourseal.quarantine", { onInvalid: "quarantine" });
    const keeps = named("q", { onInvalid: "quarantine" });
    const remove = types("hourseal.quarantine");
    expect(reasons([quarantine, keeps], [], remove)).toEqual([
      "hourseal.quarantine null: q keeps there what it does not take; let it refuse that first",
    ]);
    expect(reasons([quarantine], [keeps], remove)).toHaveLength(1);
    expect(reasons([quarantine, keeps], [named("q")], remove)).toEqual([]);
    expect(reasons([quarantine, keeps], [], [...remove, ...types("q")])).toEqual([]);
    expect(reasons([quarantine, gone("q", { onInvalid: "quarantine" })], [], remove)).toEqual([]);
  });

  it("[RM4] is taken back by setting the stream again, and gives no leave to break a promise", () => {
    const current = [gone("a", { owner: "us", schema: { type: "object" } })];
    const plan = planChange(current, [named("a", { owner: "they", schema: { type: "object" } })]);
    expect(plan.ok && plan.changes).toMatchObject([
      { change: "restore", type: "a", fields: [{ setting: "owner", from: "us", to: "they" }] },
    ]);
    expect(reasons(current, [named("a")])).toEqual([expect.stringMatching(/^a schema: a schema stays/)]);
    const shrunk = withWindow("w", 7 * dayMs - 1);
    expect(reasons([{ ...withWindow("w", 7 * dayMs), removed: true }], [shrunk])).toHaveLength(1);
  });

  it("brings quarantine back, as it was, with a stream that needs it", () => {
    const quarantine = gone("hourseal.quarantine", { owner: "us" });
    const plan = planChange([quarantine], [named("q", { onInvalid: "quarantine" })]);
    expect(plan.ok && plan.changes.map(({ change, type }) => `${change} ${type}`)).toEqual([
      "add q",
      "restore hourseal.quarantine",
    ]);
  });
});

describe("[CF3] what is refused", () => {
  it("a shrinking window, and not a growing one", () => {
    expect(reasons([withWindow("w", 7 * dayMs)], [withWindow("w", 7 * dayMs - 1)])).toEqual([
      expect.stringMatching(/^w windowMs: the window shrinks from 7d to .* it can only grow$/),
    ]);
    expect(reasons([withWindow("w", 7 * dayMs)], [withWindow("w", 8 * dayMs)])).toEqual([]);
  });

  it("a target that a bucket cannot meet while it is open", () => {
    expect(reasons([], [named("t", { graceMs: 60_000, targetLatenessMs: 60_000 })])).toEqual([]);
    expect(reasons([], [named("t", { graceMs: 60_001, targetLatenessMs: 60_000 })])).toHaveLength(1);
  });

  it("a retention that ends before nothing asks for the hour any more", () => {
    expect(reasons([], [named("r", { retentionMs: retentionMsMin })])).toEqual([]);
    const { settings, ...rest } = named("r", { retentionMs: retentionMsMin });
    const short = { ...rest, settings: { ...settings, retentionMs: retentionMsMin - 1 } };
    expect(reasons([], [short])).toEqual([expect.stringMatching(/^r retentionMs: .*10d at least$/)]);
  });

  it("fewer shards at most than at least", () => {
    expect(reasons([], [named("s", { shards: 4, shardsMax: 4 })])).toEqual([]);
    expect(reasons([], [named("s", { shards: 4, shardsMax: 3 })])).toEqual([
      expect.stringMatching(/^s shardsMax: it is below shards, which is 4/),
    ]);
  });

  it("a type named twice", () => {
    expect(reasons([], [named("a"), named("a")])).toEqual(["a null: it is named twice"]);
  });

  it("one stream more than there can be", () => {
    const current = Array.from({ length: streamsMax - 1 }, (_, no) => named(`s${no}`));
    expect(reasons(current, [named("last")])).toEqual([]);
    expect(reasons(current, [named("last"), named("over")])).toHaveLength(1);
    expect(reasons([...current, named("last")], [named("last", { owner: "us" })])).toEqual([]);
  });

  it("all of it, if one stream of many is refused: with every reason", () => {
    const current = [withWindow("a", 7 * dayMs), withWindow("b", 7 * dayMs)];
    expect(reasons(current, [withWindow("a", dayMs), named("new"), withWindow("b", dayMs)])).toHaveLength(2);
  });
});

it("a target lateness that is not given is the grace and what counts as overdue", () => {
  expect(targetLatenessOf(named("t", { graceMs: graceMsMax }).settings)).toBe(graceMsMax + overdueMs);
  expect(targetLatenessOf(named("t", { targetLatenessMs: 900_000 }).settings)).toBe(900_000);
});

describe("[SC3] a schema", () => {
  const price = (type: string) => ({ type: "object", properties: { price: { type } } });

  it("is given to a stream that had none, and loosened", () => {
    expect(reasons([named("s")], [named("s", { schema: price("integer") })])).toEqual([]);
    const plan = planChange(
      [named("s", { schema: price("integer") })],
      [named("s", { schema: price("number") })],
    );
    expect(plan.ok && plan.changes[0]?.change === "change" && plan.changes[0].fields).toEqual([
      { setting: "schema", from: price("integer"), to: price("number") },
    ]);
  });

  it("that what was valid could break is refused with the place and the reason", () => {
    expect(
      reasons([named("s", { schema: price("number") })], [named("s", { schema: price("integer") })]),
    ).toEqual(["s schema: #/properties/price/type: values of type number would not be valid any more"]);
  });

  it("stays", () => {
    expect(reasons([named("s", { schema: price("number") })], [named("s")])).toEqual([
      expect.stringMatching(/^s schema: a schema stays/),
    ]);
  });

  it("that is not sound is refused once, with what is allowed", () => {
    const unsound = named("s", { schema: { minimun: 1 } });
    for (const current of [[], [named("s", { schema: price("number") })]]) {
      expect(reasons(current, [unsound])).toEqual([
        expect.stringMatching(/^s schema: #\/minimun: it is not taken; taken are: /),
      ]);
    }
  });

  it("[SC1] all together are bounded", () => {
    const size = 16_000;
    const padded = (type: string) => {
      const empty = JSON.stringify({ title: "" }).length;
      return named(type, { schema: { title: "x".repeat(size - empty) } });
    };
    const fitting = Array.from({ length: Math.floor(schemasBytesMax / size) }, (_, no) => padded(`s${no}`));
    expect(reasons(fitting.slice(1), fitting.slice(0, 1))).toEqual([]);
    expect(reasons(fitting, [padded("more")])).toEqual([
      expect.stringMatching(/^more schema: all schemas together have \d+ bytes at most/),
    ]);
  });
});

describe("[QU1] quarantine", () => {
  const changes = (...given: Parameters<typeof planChange>) => {
    const plan = planChange(...given);
    return plan.ok ? plan.changes.map(({ change, type }) => `${change} ${type}`) : [];
  };
  const quarantining = named("q", { onInvalid: "quarantine" });
  const quarantine = named("hourseal.quarantine");

  it("gets its stream with the first one that needs it, and only once", () => {
    expect(changes([], [quarantining])).toEqual(["add q", "add hourseal.quarantine"]);
    expect(changes([quarantine], [quarantining])).toEqual(["add q"]);
    expect(changes([], [quarantine, quarantining])).toEqual(["add hourseal.quarantine", "add q"]);
    expect(changes([], [named("q")])).toEqual(["add q"]);
    expect(changes([quarantining, quarantine], [quarantining])).toEqual([]);
  });

  it("counts as a stream", () => {
    const full = Array.from({ length: streamsMax - 1 }, (_, no) => named(`s${no}`));
    expect(reasons(full, [named("q")])).toEqual([]);
    expect(reasons(full, [quarantining])).toHaveLength(1);
  });

  it("takes what comes as it is", () => {
    expect(reasons([], [named("hourseal.quarantine", { schema: {} })])).toEqual([
      expect.stringMatching(/^hourseal\.quarantine schema: what is in quarantine is taken as it is/),
    ]);
    const unread = { ...quarantine, settings: { ...quarantine.settings, formats: [] } };
    expect(reasons([], [unread])).toEqual([
      "hourseal.quarantine formats: what is in quarantine is replayed from ndjson.gz; add it",
    ]);
  });
});
