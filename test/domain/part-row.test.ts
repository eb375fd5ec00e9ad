/** Rows as they are read back: the quick way says the same as the schema, or leaves the word to it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CountedRow, PartRows, type RowFault } from "../../domain/part-row.ts";

const hour = "2026-11-23T10";
const plain = {
  received_at: "2026-11-23T10:00:00.000Z",
  home_hour: hour,
  event: { type: "t", source: "s", id: "1", time: "2026-11-23T10:00:01Z" },
};

/** What the schema makes of it: a reader that knows no hour has no quicker way. */
function slowly(value: unknown): CountedRow | RowFault {
  return new PartRows().ofLine(JSON.stringify(value));
}

function quickly(value: unknown): CountedRow | RowFault {
  const rows = new PartRows();
  rows.ofLine(JSON.stringify(plain));
  return rows.ofLine(JSON.stringify(value));
}

/** Identities of the schema's way hold what else the event has. */
function counted(row: CountedRow | RowFault): unknown {
  if (typeof row === "string") return row;
  const { type, source, id } = row.identity;
  return { ...row, identity: { type, source, id } };
}

const odd = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom<unknown>(true, 0, -1, 1, 2, 1.5, 2 ** 53, null, "", hour, "2026-02-30T10", [], {}),
  fc.constantFrom("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.1234+01:30", "2026-11-23", "T"),
);
const member = fc.constantFrom("received_at", "home_hour", "unguarded", "schema_version", "event", "x");
const attribute = fc.constantFrom("type", "source", "id", "time", "data");

describe("a row", () => {
  it("[AU5] is the same whether its hour was named before or not, whatever is wrong with it", () => {
    const changes = fc.array(fc.tuple(member, odd), { maxLength: 2 });
    const inEvent = fc.array(fc.tuple(attribute, odd), { maxLength: 2 });
    fc.assert(
      fc.property(changes, inEvent, (outer, inner) => {
        const event = { ...plain.event, ...Object.fromEntries(inner) };
        const row = { ...plain, event, ...Object.fromEntries(outer) };
        expect(counted(quickly(row))).toEqual(counted(slowly(row)));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["without a time", { ...plain, event: { type: "t", source: "s", id: "1" } }],
    ["of a schema", { ...plain, schema_version: 3 }],
    ["that nobody could vouch for", { ...plain, unguarded: true }],
    ["with attributes of its own", { ...plain, event: { ...plain.event, data: [1], extension: "x" } }],
  ])("[AU5] %s is counted", (_name, row) => {
    expect(quickly(row)).toMatchObject({ identity: { id: "1" } });
    expect(counted(quickly(row))).toEqual(counted(slowly(row)));
  });

  it.each([
    ["no JSON", "{"],
    ["an array", "[]"],
    ["another member", JSON.stringify({ ...plain, more: 1 })],
    ["a member that is no name of its own", `{"__proto__":1,${JSON.stringify(plain).slice(1)}`],
  ])("[AU5] of %s is a fault", (_name, line) => {
    const rows = new PartRows();
    rows.ofLine(JSON.stringify(plain));
    expect(rows.ofLine(line)).toBeTypeOf("string");
  });
});
