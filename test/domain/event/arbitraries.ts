/** Generators of valid CloudEvents in the JSON format, as text, for properties. */
import * as fc from "fast-check";

/** Characters that the specification allows in a `String`. */
const character = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 1 })
  .filter((text) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text));
export const attributeString = fc
  .array(character, { minLength: 1, maxLength: 30 })
  .map((characters) => characters.join(""));

const uriReference = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom(
    "/a/b",
    "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    "mailto:a@b.c",
    "1-555-123-4567",
    "?q",
    "#f",
  ),
);

const timestamp = fc
  .record({
    date: fc.date({ min: new Date("0001-01-01"), max: new Date("9998-12-31"), noInvalidDate: true }),
    zone: fc.constantFrom("Z", "z", "+00:00", "-00:00", "+05:30", "-11:45"),
    fraction: fc.constantFrom("", ".1", ".123", ".123456789"),
  })
  .map(({ date, zone, fraction }) => `${date.toISOString().slice(0, 19)}${fraction}${zone}`);

const core = new Set([
  "id",
  "source",
  "type",
  "specversion",
  "time",
  "subject",
  "data",
  "datacontenttype",
  "dataschema",
]);
const extensionName = fc
  .stringMatching(/^[a-z0-9]{1,25}$/)
  .filter((name) => !core.has(name) && name !== "partitionkey");
const extensionValue = fc.oneof(
  attributeString,
  fc.constant(""),
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
);

/** A valid event as a value. */
export const eventValue = fc
  .tuple(
    fc.record(
      {
        id: attributeString,
        source: uriReference,
        type: attributeString,
        time: timestamp,
        subject: fc.option(attributeString),
        partitionkey: fc.option(attributeString),
        datacontenttype: fc.constantFrom("application/json", "Application/Vnd.X+JSON; charset=utf-8"),
        dataschema: fc.option(fc.webUrl()),
        data: fc.jsonValue(),
      },
      { requiredKeys: ["id", "source", "type"] },
    ),
    fc.dictionary(extensionName, extensionValue, { maxKeys: 5, noNullPrototype: true }),
  )
  .map(([attributes, extensions]): Record<string, unknown> =>
    Object.assign({ specversion: "1.0" }, extensions, attributes),
  );

/** The same, written with any indentation. */
export const eventText = fc
  .tuple(eventValue, fc.constantFrom("", " ", "\t", "\r\n", "\n  "))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

/** Whitespace of JSON. */
export const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
