/**
 * Data with a schema, drawn at random, and what its typed columns must hold: told from the drawn value, not by the code
 * under test. Every value fits its column.
 */
import * as fc from "fast-check";

/** A schema, and how to draw values of it. */
interface Kind {
  readonly schema: object;
  readonly value: fc.Arbitrary<Drawn>;
}

interface Drawn {
  /** Its text in the event. */
  readonly json: string;
  /** What a reader must find in its column. */
  readonly column: unknown;
}

const nothing: Drawn = { json: "null", column: null };
const text = fc.string({ unit: "grapheme", maxLength: 12 });

const leaves: readonly Kind[] = [
  {
    schema: { type: "string" },
    value: text.map((value) => ({ json: JSON.stringify(value), column: value })),
  },
  {
    schema: { type: "integer" },
    value: fc.maxSafeInteger().map((value) => ({ json: String(value), column: String(value) })),
  },
  {
    schema: { type: "number" },
    value: fc
      .double({ noNaN: true, noDefaultInfinity: true })
      // Another whole number may have been posted: those are kept in `rest` as well.
      .filter((value) => !Number.isInteger(value) || (Number.isSafeInteger(value) && !Object.is(value, -0)))
      .map((value) => ({ json: String(value), column: value })),
  },
  {
    schema: { type: "boolean" },
    value: fc.boolean().map((value) => ({ json: String(value), column: value })),
  },
  {
    schema: { type: "string", format: "date-time" },
    value: fc
      .tuple(fc.integer({ min: -60_000_000_000, max: 200_000_000_000 }), fc.integer({ min: 0, max: 999_999 }))
      .map(([seconds, micros]) => ({
        json: `"${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${String(micros).padStart(6, "0")}Z"`,
        column: String(BigInt(seconds) * 1_000_000n + BigInt(micros)),
      })),
  },
  {
    schema: {},
    value: fc
      .jsonValue({ maxDepth: 2 })
      .map((value) => ({
        json: JSON.stringify(value),
        column: value === null ? null : JSON.stringify(value),
      }))
      .filter(({ json }) => !/\d{16}|\de\+/.test(json)),
  },
];

const names = fc.uniqueArray(
  fc.constantFrom("a", "b", "two words", "dotted.name", "ü漢", "quo'te\"", "_c-1"),
  {
    minLength: 1,
    maxLength: 4,
  },
);

function kind(depth: number): fc.Arbitrary<Kind> {
  const leaf = fc.constantFrom(...leaves);
  if (depth === 0) return leaf;
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    { weight: 2, arbitrary: kind(depth - 1).map(listOf) },
    { weight: 2, arbitrary: structs(depth - 1).map(({ schema, value }) => ({ schema, value })) },
  );
}

function listOf(item: Kind): Kind {
  const value = fc.array(orNull(item.value), { maxLength: 4 }).map((items) => ({
    json: `[${items.map(({ json }) => json).join(", ")}]`,
    column: items.map(({ column }) => column),
  }));
  return { schema: { type: "array", items: item.schema }, value };
}

function orNull(value: fc.Arbitrary<Drawn>): fc.Arbitrary<Drawn> {
  return fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(nothing) });
}

interface Struct extends Kind {
  readonly value: fc.Arbitrary<Drawn & { readonly column: Readonly<Record<string, unknown>> }>;
}

function structs(depth: number): fc.Arbitrary<Struct> {
  return names.chain((fields) =>
    fc
      .tuple(...fields.map(() => kind(depth)))
      .map((kinds) => structOf(fields.map((name, no) => [name, kinds[no] as Kind]))),
  );
}

/** Its members may be missing, or null. */
function structOf(fields: readonly (readonly [string, Kind])[]): Struct {
  const member = ([name, { value }]: readonly [string, Kind]) =>
    fc.option(orNull(value)).map((drawn) => ({ name, drawn }));
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(fields.map(([name, { schema }]) => [name, schema])),
    },
    value: fc.tuple(...fields.map(member)).map((members) => ({
      json: `{${members
        .flatMap(({ name, drawn }) => (drawn === null ? [] : [`${JSON.stringify(name)}:${drawn.json}`]))
        .join(",")}}`,
      column: Object.fromEntries(members.map(({ name, drawn }) => [name, drawn?.column ?? null])),
    })),
  };
}

/** The rows of one file: objects of one schema. */
export interface TypedRows {
  readonly schema: object;
  readonly rows: readonly {
    readonly json: string;
    readonly column: Readonly<Record<string, unknown>>;
  }[];
}

/** The same files every time. */
export function typedFiles(count: number): readonly TypedRows[] {
  const file = structs(4).chain(({ schema, value }) =>
    fc.array(value, { minLength: 1, maxLength: 8 }).map((rows) => ({ schema, rows })),
  );
  return fc.sample(file, { seed: 7, numRuns: count });
}
