/** CloudEvents 1.0.2, rule by rule: each row names its document and section. */
import { describe, expect, test } from "vitest";
import { admitBinary, admitJsonText } from "../../../domain/event/index.ts";
import { eventOf, verdict, verdictOfText } from "./fixtures.ts";

type Row = readonly [rule: string, members: Record<string, unknown>, expected: string];

const control = String.fromCharCode(7);

const spec: readonly Row[] = [
  // Attribute Naming Convention
  ["names: lower-case letters and digits", { a1: "x", "1a": "x" }, "taken"],
  ["names: over 20 characters is only a SHOULD NOT", { abcdefghijklmnopqrstuvwxyz: "x" }, "taken"],
  ["names: no upper case", { myExt: "x" }, "invalid_attribute_name"],
  ["names: no hyphen", { "my-ext": "x" }, "invalid_attribute_name"],
  ["names: no underscore", { my_ext: "x" }, "invalid_attribute_name"],
  ["names: ASCII only", { é: "x" }, "invalid_attribute_name"],
  ["names: not empty", { "": "x" }, "invalid_attribute_name"],
  ["names: also of an unset attribute", { myExt: null }, "invalid_attribute_name"],
  // Type System
  ["Boolean", { x: true, y: false }, "taken"],
  ["Integer: 32 bits", { x: 2_147_483_647, y: -2_147_483_648, z: 0 }, "taken"],
  ["Integer: above its range", { x: 2_147_483_648 }, "invalid_attribute_value"],
  ["Integer: below its range", { x: -2_147_483_649 }, "invalid_attribute_value"],
  ["Integer: whole", { x: 1.5 }, "invalid_attribute_value"],
  ["String: any Unicode", { subject: "日本 😀 \u00a0\u2028", x: "" }, "taken"],
  ["String: C0 control", { subject: `a${control}` }, "invalid_attribute_value"],
  ["String: line feed", { x: "a\nb" }, "invalid_attribute_value"],
  ["String: DEL", { id: "\u007f" }, "invalid_attribute_value"],
  ["String: C1 control", { type: "\u0085" }, "invalid_attribute_value"],
  ["String: noncharacter of the first plane", { id: "\ufdd0" }, "invalid_attribute_value"],
  ["String: noncharacter at a plane's end", { id: "\u{1fffe}" }, "invalid_attribute_value"],
  ["String: unpaired surrogate", { id: "\ud800x" }, "invalid_attribute_value"],
  ["String: paired surrogate", { id: "\ud800\udead" }, "taken"],
  ["only the listed types: no object", { x: {} }, "invalid_attribute_value"],
  ["only the listed types: no array", { x: [] }, "invalid_attribute_value"],
  // REQUIRED Attributes
  ["id: REQUIRED", { id: undefined }, "missing_attribute"],
  ["id: null is unset", { id: null }, "missing_attribute"],
  ["id: non-empty", { id: "" }, "missing_attribute"],
  ["id: a string", { id: 1 }, "invalid_attribute_value"],
  ["id: any string", { id: ' \\ " % ☃' }, "taken"],
  ["source: REQUIRED", { source: undefined }, "missing_attribute"],
  ["source: non-empty", { source: "" }, "missing_attribute"],
  ["source: a URI-reference", { source: "has space" }, "invalid_attribute_value"],
  ["source: relative", { source: "../a?b#c" }, "taken"],
  ["specversion: REQUIRED", { specversion: undefined }, "invalid_specversion"],
  ["specversion: 1.0", { specversion: "1.1" }, "invalid_specversion"],
  ["specversion: a string", { specversion: 1 }, "invalid_specversion"],
  ["type: REQUIRED", { type: undefined }, "missing_attribute"],
  ["type: non-empty", { type: "" }, "missing_attribute"],
  ["type: any string", { type: "ein Typ/mit: allem" }, "taken"],
  // OPTIONAL Attributes
  ["datacontenttype: RFC 2046", { datacontenttype: 'Text/XML; charset="utf-8"' }, "taken"],
  ["datacontenttype: without data", { datacontenttype: "image/png" }, "taken"],
  ["datacontenttype: no subtype", { datacontenttype: "json" }, "invalid_attribute_value"],
  ["datacontenttype: empty", { datacontenttype: "" }, "invalid_attribute_value"],
  ["dataschema: absolute URI", { dataschema: "https://e.com/s?v=1" }, "taken"],
  ["dataschema: not relative", { dataschema: "/s" }, "invalid_attribute_value"],
  [
    "dataschema: RFC 3986 4.3 has no fragment",
    { dataschema: "https://e.com/s#v1" },
    "invalid_attribute_value",
  ],
  ["dataschema: non-empty", { dataschema: "" }, "invalid_attribute_value"],
  ["subject: non-empty", { subject: "" }, "invalid_attribute_value"],
  ["time: RFC 3339", { time: "2018-04-05T17:31:00.5+02:00" }, "taken"],
  ["time: not another format", { time: "2018-04-05 17:31:00Z" }, "invalid_attribute_value"],
  ["time: empty", { time: "" }, "invalid_attribute_value"],
  ["time: a string", { time: 1_700_000_000 }, "invalid_attribute_value"],
];

const json: readonly Row[] = [
  [
    "2.2 null is unset",
    { subject: null, time: null, dataschema: null, datacontenttype: null, x: null },
    "taken",
  ],
  ["3.1.1 data of any JSON type", { data: [1, "a", null, {}] }, "taken"],
  ["3.1.1 data may be null", { data: null }, "taken"],
  ["3.1.1 data and data_base64 are exclusive", { data: 1, data_base64: "AA==" }, "invalid_data"],
  ["3.1.1 an explicit null payload is data", { data: null, data_base64: "AA==" }, "invalid_data"],
  ["3.1.1 data_base64 is base64", { data_base64: "AAECAw==" }, "taken"],
  ["3.1.1 data_base64 of nothing", { data_base64: "" }, "taken"],
  ["3.1.1 data_base64 unset, as the JSON schema allows", { data: 1, data_base64: null }, "taken"],
  ["3.1.1 data_base64 is a string", { data_base64: 5 }, "invalid_data"],
  ["RFC 4648 3.2 padding", { data_base64: "AA" }, "invalid_data"],
  ["RFC 4648 3.3 no line breaks", { data_base64: "AAAA\nAAAA" }, "invalid_data"],
  ["RFC 4648 4 standard alphabet", { data_base64: "__--" }, "invalid_data"],
  ["3.1.1 content not declared JSON is a string", { datacontenttype: "text/xml", data: "<a/>" }, "taken"],
  ["3.1.1 content not declared JSON is no object", { datacontenttype: "text/xml", data: {} }, "invalid_data"],
  ["3.1.1 */*+json declares JSON", { datacontenttype: "application/geo+JSON; a=b", data: {} }, "taken"],
  ["3.1.1 */json declares JSON", { datacontenttype: "text/json", data: 1 }, "taken"],
];

describe("[EV1] spec.md", () => {
  test.each(spec)("%s", (_rule, members, expected) => {
    expect(verdict(members)).toBe(expected);
  });
});

describe("[EV1] json-format.md", () => {
  test.each(json)("%s", (_rule, members, expected) => {
    expect(verdict(members)).toBe(expected);
  });

  test.each([
    ["1", "taken"],
    ["-0", "taken"],
    ["1.0", "invalid_attribute_value"],
    ["1e2", "invalid_attribute_value"],
    ["-1E0", "invalid_attribute_value"],
  ])("2.2 Integer is only the integer component: %s", (raw, expected) => {
    const before = JSON.stringify(eventOf({ data: { x: '}, "x": 1.5' } })).slice(0, -1);
    expect(verdictOfText(`${before}, "x" : ${raw} }`, "event")).toBe(expected);
  });

  test("4.3 an empty batch is valid", () => {
    expect(admitJsonText(" [ ] ", "batch")).toEqual({ ok: true, value: [] });
  });
});

const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };

function binary(extra: Record<string, string>, body: string | Uint8Array = ""): unknown {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  let text: string | null = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8.
  }
  const { outcome } = admitBinary(Object.entries({ ...headers, ...extra }), { bytes, text });
  return outcome.ok ? JSON.parse(outcome.value.json) : outcome.reason.code;
}

const base = { specversion: "1.0", id: "1", source: "/s", type: "t" };

describe("[EV1] http-protocol-binding.md", () => {
  test.each<[string, Record<string, string>, string | Uint8Array, unknown]>([
    [
      "3.1.1 content-type is datacontenttype",
      { "Content-Type": "application/json; a=b" },
      '{"a": 1}',
      { ...base, datacontenttype: "application/json; a=b", data: { a: 1 } },
    ],
    ["3.1.1 no ce-datacontenttype", { "ce-datacontenttype": "text/plain" }, "", "duplicate_attribute"],
    [
      "3.1.1 content-type must be a media type",
      { "content-type": "nonsense" },
      "x",
      "invalid_attribute_value",
    ],
    [
      "3.1.2 text as text, byte order mark included",
      { "content-type": "text/csv" },
      "\ufeffa,b\r\n",
      { ...base, datacontenttype: "text/csv", data: "\ufeffa,b\r\n" },
    ],
    [
      "3.1.2 any bytes",
      { "content-type": "image/png" },
      new Uint8Array([0, 255, 1, 2]),
      { ...base, datacontenttype: "image/png", data_base64: "AP8BAg==" },
    ],
    [
      "3.1.2 text that is not UTF-8",
      { "content-type": "text/plain" },
      new Uint8Array([255]),
      { ...base, datacontenttype: "text/plain", data_base64: "/w==" },
    ],
    [
      "3.1.2 text in another charset",
      { "content-type": "text/plain; charset=utf-16" },
      "ab",
      { ...base, datacontenttype: "text/plain; charset=utf-16", data_base64: "YWI=" },
    ],
    [
      "3.1.2 JSON that does not parse",
      { "content-type": "application/json" },
      "{x",
      { ...base, datacontenttype: "application/json", data_base64: "e3g=" },
    ],
    [
      "3.1.2 JSON may not end the event early",
      { "content-type": "application/json" },
      '1,"id":"2"',
      { ...base, datacontenttype: "application/json", data_base64: "MSwiaWQiOiIyIg==" },
    ],
    ["json-format 3.1.2 no content type, no assumption", {}, "{}", { ...base, data_base64: "e30=" }],
    [
      "3.1.2 no body, no data",
      { "content-type": "application/json" },
      "",
      { ...base, datacontenttype: "application/json" },
    ],
    [
      "3.1.3.1 names are case-insensitive",
      { "CE-Subject": "x", "Ce-Myext": "5" },
      "",
      { ...base, subject: "x", myext: "5" },
    ],
    ["3.1.3.1 names follow the naming convention", { "ce-my-ext": "x" }, "", "invalid_attribute_name"],
    ["spec.md: no attribute is named data", { "ce-data": "x" }, "", "invalid_attribute_name"],
    ["other headers are no attributes", { host: "x", traceparent: "y", cent: "z" }, "", base],
    [
      "3.1.3.2 percent-decoding, the example",
      { "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80" },
      "",
      { ...base, subject: "Euro € 😀" },
    ],
    ["3.1.3.2 lower-case digits", { "ce-subject": "%e2%82%ac" }, "", { ...base, subject: "€" }],
    ["3.1.3.2 unnecessary encoding", { "ce-subject": "%61b" }, "", { ...base, subject: "ab" }],
    ["3.1.3.2 a single round", { "ce-subject": "%2525" }, "", { ...base, subject: "%25" }],
    ["3.1.3.2 overlong UTF-8", { "ce-subject": "%C0%A0" }, "", "invalid_attribute_value"],
    ["3.1.3.2 encoded surrogate", { "ce-subject": "%ED%A0%80" }, "", "invalid_attribute_value"],
    ["3.1.3.2 percent must be encoded", { "ce-subject": "100%" }, "", "invalid_attribute_value"],
    ["3.1.3.2 non-ASCII must be encoded", { "ce-subject": "é" }, "", "invalid_attribute_value"],
    [
      "3.1.3.2 double-quoted, with escapes",
      { "ce-subject": '"a \\"b\\" \\\\ %20c"' },
      "",
      { ...base, subject: 'a "b" \\  c' },
    ],
    ["3.1.3.2 unquoted first, then decoded", { "ce-subject": '"%22"' }, "", { ...base, subject: '"' }],
    ["3.1.3.2 quotes must be closed", { "ce-subject": '"a' }, "", "invalid_attribute_value"],
    [
      "3.1.3.2 a backslash outside quotes is itself",
      { "ce-subject": "a\\b" },
      "",
      { ...base, subject: "a\\b" },
    ],
    [
      "an encoded control character is still disallowed",
      { "ce-subject": "a%0Ab" },
      "",
      "invalid_attribute_value",
    ],
    ["required attributes are required here too", { "ce-id": "" }, "", "missing_attribute"],
    [
      "time and its offset",
      { "ce-time": "2018-04-05T03:56:24+02:00" },
      "",
      { ...base, time: "2018-04-05T03:56:24+02:00" },
    ],
  ])("%s", (_rule, extra, body, expected) => {
    expect(binary(extra, body)).toEqual(expected);
  });

  test("a repeated header, where the platform shows it, is refused", () => {
    const pairs: [string, string][] = [...Object.entries(headers), ["CE-ID", "2"]];
    const { outcome } = admitBinary(pairs, { bytes: new Uint8Array(), text: "" });
    expect(outcome).toMatchObject({ reason: { code: "duplicate_attribute" } });
  });

  test("JSON data keeps its numbers and becomes one line", () => {
    const body = '{\n "n": 1.0,\r\n "m": 12345678901234567890\n}';
    const { outcome } = admitBinary([...Object.entries(headers), ["content-type", "application/json"]], {
      bytes: new TextEncoder().encode(body),
      text: body,
    });
    expect(outcome.ok && outcome.value.json).toContain('"data":{  "n": 1.0,   "m": 12345678901234567890 }');
  });
});

describe("partitioning extension", () => {
  test.each<[unknown, string | null]>([
    ["k", "k"],
    ["", null],
    [null, null],
    [undefined, null],
    [5, "5"],
    [true, "true"],
  ])("partitionkey %s", (value, expected) => {
    const result = admitJsonText(JSON.stringify(eventOf({ partitionkey: value })), "event");
    expect(result).toMatchObject({ value: [{ outcome: { value: { partitionKey: expected } } }] });
  });
});
