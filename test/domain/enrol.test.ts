import { describe, expect, it } from "vitest";
import {
  type BucketPhase,
  type EnrolDecision,
  type ShardPhase,
  decideAdmit,
  decideEnrol,
} from "../../domain/enrol.ts";
import { endOf, epochMs, startOf } from "../../domain/hour.ts";
import { graceMsMax, openEarlyMsMax, windowMsDefault } from "../../domain/limits.ts";
import { type Plan, dueAt, protocolVersion } from "../../domain/plan.ts";
import { hour, indexOf, packed, plan, rowNo } from "./make.ts";

const due = dueAt(hour, plan.graceMs);
const other: Plan = { ...plan, shards: 2 };

function decide(
  phase: BucketPhase,
  now: number,
  more: { plan?: Plan; protocol?: number } = {},
): EnrolDecision {
  const request = {
    protocol: more.protocol ?? protocolVersion,
    hour,
    index: indexOf(0),
    plan: more.plan ?? plan,
  };
  return decideEnrol({ phase, plan: phase === "blank" ? null : plan }, hour, request, epochMs(now));
}

function refused(why: "closed" | "too_early"): EnrolDecision {
  return { act: "refuse", reply: { enrolled: false, why } };
}

describe("a bucket that is asked to wait for a shard", () => {
  const yes = { enrolled: true, plan } as const;

  it("[BU1] opens once, with the first plan that it is shown", () => {
    expect(decide("blank", startOf(hour))).toEqual({ act: "open", plan, reply: yes });
    expect(decide("open", startOf(hour))).toEqual({ act: "enrol", reply: yes });
  });

  it("[SH8] names its own plan to a shard that assumed another one", () => {
    const reply = { enrolled: false, why: "wrong_plan", plan } as const;
    expect(decide("open", startOf(hour), { plan: other })).toEqual({ act: "refuse", reply });
  });

  it("[BU2] opens from a little before its hour until its grace ends, by its own clock", () => {
    const opens = startOf(hour) - openEarlyMsMax;
    expect(decide("blank", opens - 1)).toEqual(refused("too_early"));
    expect(decide("blank", opens)).toMatchObject({ act: "open" });
    expect(decide("blank", due - 1)).toMatchObject({ act: "open" });
    expect(decide("blank", due)).toEqual(refused("closed"));
    expect(decide("open", due - 1)).toMatchObject({ act: "enrol" });
    expect(decide("open", due)).toEqual(refused("closed"));
  });

  it("[BU2] never opens after it has retired, whatever grace it is shown", () => {
    const retired = endOf(hour) + windowMsDefault;
    expect(decide("blank", retired, { plan: { ...plan, graceMs: windowMsDefault * 2 } })).toEqual(
      refused("closed"),
    );
    const longest = { ...plan, graceMs: windowMsDefault * 2 };
    expect(decide("blank", endOf(hour) + graceMsMax - 1, { plan: longest })).toMatchObject({ act: "open" });
    expect(decide("blank", endOf(hour) + graceMsMax, { plan: longest })).toEqual(refused("closed"));
  });

  it("[BU3] enrols nobody once it seals, at no time", () => {
    for (const phase of ["sealing", "sealed"] as const)
      for (const now of [startOf(hour) - openEarlyMsMax, startOf(hour), due])
        expect(decide(phase, now)).toEqual(refused("closed"));
  });

  it("[BU1] refuses a protocol that it does not speak before anything else", () => {
    const reply = { enrolled: false, why: "unknown_protocol", protocol: protocolVersion } as const;
    for (const phase of ["blank", "open", "sealing", "sealed"] as const)
      expect(decide(phase, startOf(hour), { protocol: 99 })).toEqual({ act: "refuse", reply });
  });

  it("[BU1] stops if it is open and has no plan", () => {
    const request = { protocol: protocolVersion, hour, index: indexOf(0), plan };
    expect(() => decideEnrol({ phase: "open", plan: null }, hour, request, startOf(hour))).toThrow("no plan");
  });
});

describe("a shard that is given an append", () => {
  const rows = packed([rowNo(1), rowNo(2)]);
  const admit = (
    phase: ShardPhase,
    more: { plan?: Plan; protocol?: number; index?: number; hashes?: number[] } = {},
  ): ReturnType<typeof decideAdmit> =>
    decideAdmit(
      { phase, plan: phase === "blank" ? null : (more.plan ?? plan), index: indexOf(more.index ?? 0) },
      {
        protocol: more.protocol ?? protocolVersion,
        plan: phase === "open" && more.plan !== undefined ? more.plan : plan,
        rows:
          more.hashes === undefined
            ? rows
            : packed(more.hashes.map((hash, no) => rowNo(no, { hashes: { source: hash, id: hash } }))),
      },
    );

  it("[SH1] holds nothing before it is enrolled", () => {
    expect(admit("blank")).toEqual({ act: "enrol" });
    expect(admit("open")).toEqual({ act: "queue" });
  });

  it("[SH8] refuses another plan than its own with its own", () => {
    const append = { protocol: protocolVersion, plan: other, rows };
    const refusal = { refused: "wrong_plan", plan } as const;
    expect(decideAdmit({ phase: "open", plan, index: indexOf(0) }, append)).toEqual({
      act: "refuse",
      refusal,
    });
  });

  it("[SH9] answers closed once it is, whatever the append says", () => {
    const closed = { act: "refuse", refusal: { refused: "closed" } };
    expect(admit("closed")).toEqual(closed);
    const append = {
      protocol: protocolVersion,
      plan: other,
      rows: packed([rowNo(1, { hashes: { source: 3, id: 3 } })]),
    };
    expect(decideAdmit({ phase: "closed", plan: null, index: indexOf(0) }, append)).toEqual(closed);
  });

  it("[ID6] refuses all of an append if one of its rows has another home", () => {
    const three = { ...plan, shards: 3 };
    expect(admit("open", { plan: three, index: 1, hashes: [1, 4, 301] })).toEqual({ act: "queue" });
    expect(admit("open", { plan: three, index: 1, hashes: [1, 4, 302] })).toEqual({
      act: "refuse",
      refusal: { refused: "malformed", detail: "row 2 has another home" },
    });
    expect(admit("open", { plan: three, index: 1, hashes: [0, 1] })).toMatchObject({
      refusal: { refused: "malformed" },
    });
  });

  it("[SH8] names its protocol to one that speaks another", () => {
    const refusal = { refused: "unknown_protocol", protocol: protocolVersion };
    for (const phase of ["blank", "open", "closed"] as const)
      expect(admit(phase, { protocol: 0 })).toEqual({ act: "refuse", refusal });
  });

  it("[SH1] stops if it is open and has no plan", () => {
    const append = { protocol: protocolVersion, plan, rows };
    expect(() => decideAdmit({ phase: "open", plan: null, index: indexOf(0) }, append)).toThrow("no plan");
  });
});
