import { expect, test } from "vitest";
import { utf8Length } from "../../domain/event/utf8.ts";
import { IdentitySum, fingerprintOf } from "../../domain/fingerprint.ts";
import { IdentitySet } from "../../domain/identity-set.ts";
import { PartRecount, type Recount } from "../../domain/recount.ts";

interface RowInput {
  readonly id: string;
  readonly time?: string | null;
  readonly type?: string;
  readonly homeHour?: string;
}

function row({ id, time, type = "t", homeHour = "2026-11-23T10" }: RowInput): string {
  const event = { specversion: "1.0", id, source: "s", type, time, data: { id } };
  return `${JSON.stringify({ received_at: "2026-11-23T10:00:00.000Z", home_hour: homeHour, event })}\n`;
}

function recountOf(text: string, identities = new IdentitySet(), chunkChars = text.length): Recount {
  const recount = new PartRecount("t", identities);
  for (let at = 0; at < text.length; at += Math.max(1, chunkChars)) {
    const piece = text.slice(at, at + Math.max(1, chunkChars));
    recount.addText(piece, utf8Length(piece));
  }
  return recount.finish();
}

test("[AU5] adds up rows, identities, bytes, home hours and times from the rows' own columns", () => {
  const text =
    row({ id: "1", time: "2026-11-23T10:59:59.999Z" }) +
    row({ id: "ü", time: "2026-11-23T12:00:00+01:30" }) +
    row({ id: "3", homeHour: "2026-11-23T09" }) +
    row({ id: "4", time: null });
  const sum = new IdentitySum();
  for (const id of ["1", "ü", "3", "4"]) sum.addFingerprint(fingerprintOf({ type: "t", source: "s", id }));
  expect(recountOf(text)).toEqual({
    content: {
      tally: { rows: 4, sum: sum.hex() },
      plainBytes: new TextEncoder().encode(text).length,
      homeHours: { "2026-11-23T09": 1, "2026-11-23T10": 3 },
      minTime: "2026-11-23T10:30:00.000Z",
      maxTime: "2026-11-23T10:59:59.999Z",
    },
    badRows: 0,
    repeatedRows: 0,
    faults: [],
  });
});

test("[SC4] counts rows by the schema that they were checked by, and takes no other version than 1, 2, 3, …", () => {
  const versioned = (id: string, version: unknown) =>
    row({ id }).replace("{", `{"schema_version":${String(version)},`);
  const { content, badRows } = recountOf(
    row({ id: "0" }) + versioned("1", 2) + versioned("2", 2) + versioned("3", 10) + versioned("4", 0),
  );
  expect(content.schemaVersions).toEqual({ 2: 2, 10: 1 });
  expect(badRows).toBe(1);
});

test("does not depend on how the text is cut into chunks", () => {
  const text = Array.from({ length: 7 }, (_, n) => row({ id: `€${n}` })).join("");
  const whole = recountOf(text);
  for (const chunk of [1, 2, 3, 50, 151]) expect(recountOf(text, new IdentitySet(), chunk)).toEqual(whole);
});

test("an empty part holds nothing, and is no fault", () => {
  const { content, badRows } = recountOf("");
  expect(content).toEqual({
    tally: { rows: 0, sum: "0000000000000000" },
    plainBytes: 0,
    homeHours: {},
    minTime: null,
    maxTime: null,
  });
  expect(badRows).toBe(0);
});

test.each([
  ["not JSON", "{\n"],
  ["an empty line", "\n"],
  ["no row", '{"a":1}\n'],
  ["another column", row({ id: "2" }).replace("{", '{"extra":1,')],
  ["another type", row({ id: "2", type: "u" })],
  ["an hour that is none", row({ id: "2", homeHour: "2026-02-30T10" })],
  ["a time that is none", row({ id: "2", time: "yesterday" })],
  ["an id that is no string", row({ id: "2" }).replace('"id":"2"', '"id":2')],
  ["no final line break", row({ id: "2" }).trimEnd()],
])("names a bad row, counts the others, and does not count it: %s", (_, bad) => {
  const { content, badRows, faults } = recountOf(row({ id: "1" }) + bad);
  expect(content.tally.rows).toBe(1);
  expect(badRows).toBe(1);
  expect(faults).toHaveLength(1);
  expect(faults[0]?.row).toBe(2);
});

test("[AU5] names identities that came before, in this part or in one before it", () => {
  const identities = new IdentitySet();
  expect(recountOf(row({ id: "1" }) + row({ id: "1" }), identities).repeatedRows).toBe(1);
  const second = recountOf(row({ id: "2" }) + row({ id: "1" }), identities);
  expect(second.repeatedRows).toBe(1);
  expect(second.content.tally.rows).toBe(2);
  expect(second.faults).toEqual([{ row: 2, detail: "the event's identity came before" }]);
});

test("counts every fault, and names only the first few", () => {
  const { badRows, faults } = recountOf("x\n".repeat(1_000));
  expect(badRows).toBe(1_000);
  expect(faults.length).toBeLessThanOrEqual(5);
});
