/** Files of streams with faults, and wrong arguments: what is said of them. */
import { describe, expect, test } from "vitest";
import { readStreamsFile } from "../../scripts/streams/file.ts";
import { readOptions } from "../../scripts/streams/options.ts";

/** Files beside the one that is read. */
function beside(path: string): string {
  if (path === "order.json") return '{"type":"object"}';
  if (path === "broken.json") return "{";
  throw new Error("there is no such file");
}

function faultsOf(text: string): string[] {
  const reading = readStreamsFile(text, beside);
  if (reading.ok) return [];
  return reading.faults.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

describe("[CF2] a fault is told with line, column, path and what is allowed", () => {
  test.each([
    ["streams:\n  a:\n    grace: 10\n", '3:12 streams."a".grace: takes a duration from 0s to 6h'],
    [
      "streams:\n  a:\n    graces: 10m\n",
      '3:5 streams."a".graces: it is no setting; did you mean grace? allowed: owner, ',
    ],
    [
      "streams:\n  a:\n    priority: urgent\n",
      '3:15 streams."a".priority: Invalid option: expected one of "high"',
    ],
    ["streams:\n  a: 1\n", '2:6 streams."a": takes a mapping of settings'],
    ["streams:\n  404:\n", "2:3 streams.404: a type is a string; write it in quotes"],
    ["streams:\n  ? [a]\n  : {}\n", '2:5 streams.["a"]: a type is a string'],
    ["streams:\n  a:\n  a:\n", '3:3 streams."a": it stands here twice'],
    ["streams:\n  a:\n    shards: 1\n    shards: 2\n", '4:5 streams."a"."shards": it stands here twice'],
    ["streams:\n  a: {\n", "3:1 : "],
    [
      "streams:\n  a:\n    schema: none.json\n",
      '3:13 streams."a".schema: it names none.json, which cannot be read as JSON: there is no such file',
    ],
    [
      "streams:\n  a:\n    schema: broken.json\n",
      '3:13 streams."a".schema: it names broken.json, which cannot be read as JSON: Expected',
    ],
    ["streams:\n  a:\n    schema: 1\n", '3:13 streams."a".schema: takes a JSON Schema, or the path'],
    ["streams: []\n", "1:10 streams: takes a mapping of types"],
    ["streams:\n", "1:9 streams: takes a mapping of types"],
    ["stream:\n  a:\n", "1:1 stream: it is not known; the file is a mapping with one key, `streams`"],
    ["", "1:1 : the file is a mapping with one key, `streams`"],
    ["a\n---\nb\n", "2:1 : "],
    ["streams:\n  a: &a\n    shards: 0\n  b: *a\n", '3:13 streams."a".shards: '],
    [`streams:\n  ${"x".repeat(256)}:\n`, "a type is 1 to 255 bytes"],
    ['streams:\n  "":\n', "a type is 1 to 255 bytes"],
  ])("%j", (text, says) => {
    expect(faultsOf(text)).toEqual(expect.arrayContaining([expect.stringContaining(says)]));
  });

  test("all faults of a file at once", () => {
    expect(faultsOf("streams:\n  a:\n    grace: 10\n  b:\n    shards: 0\n  c: 1\n")).toHaveLength(3);
  });
});

test("[KE6] any string is a type, written as YAML writes it", () => {
  const types = [
    "a b",
    "a/b",
    "%",
    "🦭",
    "a\nb",
    "__proto__",
    "constructor",
    "'\"",
    "x".repeat(255),
    "null",
    "~",
    "<<",
  ];
  const text = `streams:\n${types.map((type) => `  ${JSON.stringify(type)}: {owner: us}`).join("\n")}\n`;
  const reading = readStreamsFile(text, beside);
  expect(reading.ok ? reading.file.streams.map(({ type }) => type) : reading.faults).toEqual(types);
});

test("anchors and merges spare repeating settings", () => {
  const text = "streams:\n  a: &base\n    shards: 4\n  b:\n    <<: *base\n    owner: us\n";
  const reading = readStreamsFile(text, beside);
  expect(reading.ok && reading.file.streams[1]).toMatchObject({
    type: "b",
    settings: { shards: 4, owner: "us" },
  });
});

test("[SC1] a schema stands in the file or in another one beside it", () => {
  const text = "streams:\n  a:\n    schema: order.json\n  b:\n    schema: { type: object }\n";
  const reading = readStreamsFile(text, beside);
  const schemas = reading.ok ? reading.file.streams.map(({ settings }) => settings.schema) : [];
  expect(schemas).toEqual([{ type: "object" }, { type: "object" }]);
});

describe("bad arguments say what is wrong", () => {
  test.each([
    [["aply"], "say what to do: plan, apply"],
    [[], "say what to do: plan, apply"],
    [["rename", "a", "b"], "it is not renamed: a stream's type is in every identity"],
    [["apply", "none.yaml"], "there is no file none.yaml"],
    [["show"], "show takes the type of a stream"],
    [["list", "x"], "list takes no name"],
    [["history", "a", "b"], "history takes one name"],
    [["history", "--limit", "0", "--key", "k"], "--limit takes a whole number from 1 to 100"],
    [["list", "--url", "here"], "--url takes a URL"],
    [["list", "--data", "none"], "give an admin key with --key"],
  ])("%j", (args, why) => {
    expect(() => readOptions(args)).toThrow(why);
  });
});
