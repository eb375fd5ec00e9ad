/** The crash run, small: the real runtime is killed under clients, and nothing that was acknowledged is lost. */
import { describe, expect, test } from "vitest";
import { compare } from "../../scripts/crash/compare.ts";
import type { DeliveredEvent } from "../../scripts/crash/delivered.ts";
import { ClientRecord, type Entry, type Fate, nameOf } from "../../scripts/crash/record.ts";
import { randomOf } from "../../scripts/crash/random.ts";
import { runScript } from "./run-script.ts";

test("[LO1] what was acknowledged is delivered once, however often the runtime is killed", async () => {
  const { code, stdout, stderr } = await runScript("crash", ["--kills", "2", "--seed", "4"]);
  expect([stderr, code]).toEqual(["", 0]);
  expect(stdout).toContain("seed 4: 2 kills");
  expect(stdout).toContain("acknowledged = delivered, each exactly once");
}, 180_000);

describe("the comparison names", () => {
  const attributes = (id: string) => ({ id, source: "s", type: "t", time: "2026-03-01T00:00:00.000Z" });
  const row = (id: string): DeliveredEvent => ({ ...attributes(id), data: { no: 1, text: "x" } });

  function compared(
    fates: Record<string, Fate>,
    rows: readonly DeliveredEvent[],
    change?: (entry: Entry) => void,
  ) {
    const record = new ClientRecord();
    for (const [id, fate] of Object.entries(fates)) {
      const entry = record.add({ attributes: attributes(id), data: { no: 1, text: "x" } });
      entry.fate = fate;
      change?.(entry);
    }
    const delivered = new Map<string, DeliveredEvent[]>();
    for (const event of rows) {
      delivered.set(nameOf(event), [...(delivered.get(nameOf(event)) ?? []), event]);
    }
    return compare(record.entries, delivered);
  }
  const named = (given: ReturnType<typeof compare>): string[] =>
    given.differences.map(({ what, count, examples }) => `${count} ${what}: ${examples.join(", ")}`);

  test("nothing where both sets are the same", () => {
    const same = compared({ a: "acknowledged", b: "acknowledged" }, [row("b"), row("a")]);
    expect(same).toEqual({ acknowledged: 2, storedThoughRefused: 0, differences: [] });
  });

  test("a loss", () => {
    const lost = compared({ a: "acknowledged", b: "acknowledged" }, [row("a")]);
    expect(named(lost)).toEqual(["1 acknowledged and not delivered: t s b"]);
  });

  test("a repeat", () => {
    const twice = compared({ a: "acknowledged" }, [row("a"), row("a")]);
    expect(named(twice)).toEqual(["1 delivered more than once: t s a"]);
  });

  test("a row from nowhere, and one of other content", () => {
    const strange = compared({ a: "acknowledged" }, [{ ...row("a"), data: { no: 2, text: "x" } }, row("z")]);
    expect(named(strange)).toEqual([
      "1 delivered with other content: t s a",
      "1 delivered and never sent: t s z",
    ]);
  });

  test("an event without an answer, and a refused one", () => {
    expect(named(compared({ a: "open", b: { refused: "unknown_type" } }, [row("a"), row("b")]))).toEqual([
      "1 not answered: t s a",
      "1 refused as unknown_type: t s b",
      "1 refused and delivered: t s b",
    ]);
    const lostReply = compared(
      { b: { refused: "unknown_type" } },
      [row("b")],
      (entry) => (entry.replyLost = true),
    );
    expect(lostReply.storedThoughRefused).toBe(1);
    expect(named(lostReply)).toEqual(["1 refused as unknown_type: t s b"]);
  });
});

test("an event that was acknowledged once stays it", () => {
  const record = new ClientRecord();
  const entry = record.add({ attributes: { id: "1", source: "s", type: "t" }, data: { no: 1, text: "" } });
  record.settle(entry, "acknowledged");
  record.settle(entry, { refused: "unknown_type" });
  expect(entry.fate).toBe("acknowledged");
});

test("the same seed makes the same choices, another seed others", () => {
  const draws = (seed: number): number[] => {
    const random = randomOf(seed);
    return [...Array.from({ length: 5 }, () => random.between(0, 1_000)), random.fork().between(0, 1_000)];
  };
  expect(draws(7)).toEqual(draws(7));
  expect(draws(7)).not.toEqual(draws(8));
});
