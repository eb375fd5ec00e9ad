import * as fc from "fast-check";
import { expect, test } from "vitest";
import { admitJsonText } from "../../../domain/event/index.ts";
import { jsonFaultAt } from "../../../domain/event/json-fault.ts";
import {
  attributeBytesMax,
  attributesPerEventMax,
  eventBytesMax,
  eventsPerRequestMax,
  nestingMax,
  typeBytesMax,
} from "../../../domain/limits.ts";
import { eventText, eventValue, space } from "./arbitraries.ts";
import { eventOf, taken, verdict, verdictOfText, verdicts } from "./fixtures.ts";

function jsonOf(text: string): object {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? value : {};
}

const good = JSON.stringify(eventOf());

test("[EV1] [EV2] any valid event is taken from an array, on one line, meaning the same", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(space, eventText, space), { maxLength: 6 }), (parts) => {
      const text = `[${parts.map(([before, event, after]) => before + event + after).join(",")}]`;
      const events = taken(text, "batch");
      expect(events).toHaveLength(parts.length);
      for (const [index, event] of events.entries()) {
        const source = parts[index]?.[1] ?? "";
        expect(event.json).toBe(source.replace(/[\r\n]/g, " "));
        expect(event.jsonBytes).toBe(new TextEncoder().encode(event.json).length);
        const value: Record<string, unknown> = { ...jsonOf(source) };
        expect(jsonOf(event.json)).toEqual(value);
        expect([event.id, event.source, event.type]).toEqual([value["id"], value["source"], value["type"]]);
        expect(event.timeMs === null).toBe(typeof value["time"] !== "string");
      }
    }),
  );
});

test("the same events come out of an array, of lines and one by one", () => {
  fc.assert(
    fc.property(
      fc.array(eventValue, { minLength: 2, maxLength: 4 }),
      fc.constantFrom("\n", "\r\n", "\n\n \n"),
      (values, end) => {
        const texts = values.map((value) => JSON.stringify(value));
        const one = texts.flatMap((text) => taken(text, "event"));
        expect(taken(`[${texts.join(",")}]`, "auto")).toEqual(one);
        expect(taken(texts.join(end) + end, "ndjson")).toEqual(one);
        expect(taken(texts.join(end), "text")).toEqual(one);
      },
    ),
  );
});

test("[EV2] numbers, escapes, member order and repeated members inside data survive", () => {
  const text =
    '{"type":"t", "data":{"b":1.0,"a":12345678901234567890,"e":1E+2,"z":-0,"s":"\\u00e9\\/\\ud800","a":2,"__proto__":{}},' +
    '"id":"\\u0031","source":"/s","specversion":"1.0"}';
  expect(taken(` ${text}\n`, "event")[0]?.json).toBe(text);
  expect(taken(text, "event")[0]?.id).toBe("1");
});

test("[EV7] a repeated top-level member is refused however it is spelled", () => {
  const rest = '"specversion":"1.0","source":"/s","type":"t"';
  expect(verdictOfText(`{"id":"1","id":"1",${rest}}`, "event")).toBe("duplicate_attribute");
  expect(verdictOfText(`{"id":"1","\\u0069d":"2",${rest}}`, "event")).toBe("duplicate_attribute");
  expect(verdictOfText(`{"id":"1","data":1,"data":2,${rest}}`, "event")).toBe("duplicate_attribute");
  expect(verdictOfText(`{"id":"1","subject":null,"subject":"x",${rest}}`, "event")).toBe(
    "duplicate_attribute",
  );
  expect(verdictOfText(`{"id":"1","__proto__":"2","__proto__":"2",${rest}}`, "event")).toBe(
    "duplicate_attribute",
  );
  expect(verdictOfText(`{"id":"1","__proto__":"2",${rest}}`, "event")).toBe("invalid_attribute_name");
});

test("[EV3] one bad event spoils no other", () => {
  const bad = [
    '{"a":tru}',
    "1",
    "null",
    "[]",
    '"x"',
    "{}",
    '{"a":1} {"b":2}',
    `{"id":"x","data":"\n"}`,
    "{'a':1}",
    "",
  ];
  for (const event of bad) {
    const [before, middle, after] = verdicts(`[${good},${event},${good}]`, "batch");
    expect([before, after], event).toEqual(["taken", "taken"]);
    expect(middle, event).not.toBe("taken");
  }
  expect(verdicts(`${good}\n{"a":\n\n[${good}]\n${good}x\n${good}`, "ndjson")).toEqual([
    "taken",
    "invalid_json",
    "invalid_json",
    "invalid_json",
    "taken",
  ]);
});

test("[EV3] what an event has in common with the one before it is judged as if it stood alone", () => {
  const values = [
    "1.0",
    "0.3",
    "",
    "a",
    "//h/p",
    "bad uri",
    "application/json",
    "none",
    "https://a.b/c",
    1,
    null,
  ];
  const value = fc.constantFrom(...values);
  const attributes = {
    specversion: value,
    source: value,
    type: value,
    datacontenttype: value,
    dataschema: value,
  };
  const event = fc
    .record(attributes, { requiredKeys: [] })
    .map((given) => ({ specversion: "1.0", id: "1", source: "s", type: "t", ...given }));
  const other = JSON.stringify(eventOf({ source: "o", type: "o", datacontenttype: "o/o", dataschema: "o:" }));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const texts = events.map((one) => JSON.stringify(one));
      const alone = texts.map((text) => verdicts(`[${other},${text}]`, "batch")[1]);
      expect(verdicts(`[${texts.join(",")}]`, "batch")).toEqual(alone);
    }),
    { numRuns: 1_000 },
  );
});

test("an id that can be read is given back with the refusal", () => {
  const result = admitJsonText(`[{"id":"a"},{"id":7},5]`, "batch");
  expect(result.ok && result.value.map(({ id }) => id)).toEqual(["a", null, null]);
});

test("[EV4] a text without certain boundaries is unreadable, with the position", () => {
  for (const text of [
    "",
    " \n",
    "x",
    "[",
    `[${good}`,
    `[${good},`,
    `[${good}]]`,
    `[${good}] x`,
    '[{"a":"b]',
    '[{"a":[1}]',
    `[{"a":1],${good}]`,
    "[}]",
    `${good}${good}`,
    `${good},`,
    "{",
    '{"a":tru}',
    "﻿{}",
  ]) {
    expect(verdictOfText(text, "auto"), text).toBe("request:unreadable_body");
  }
  expect(detailOf(`[${good},{"id":"1`)).toContain(`character ${good.length + 9}`);
  expect(detailOf('{"id":nul}')).toContain("character 7");
});

function detailOf(text: string): string {
  const result = admitJsonText(text, "auto");
  return !result.ok && result.reason.code === "unreadable_body" ? result.reason.detail : "";
}

test("the declared form must be the one that comes", () => {
  expect(verdictOfText(`[${good}]`, "event")).toBe("request:unreadable_body");
  expect(verdictOfText(good, "batch")).toBe("request:unreadable_body");
  expect(verdictOfText(good, "auto")).toBe("taken");
  expect(verdictOfText(`[${good}]`, "text")).toBe("taken");
  expect(verdictOfText(JSON.stringify(eventOf(), null, 2), "text")).toBe("taken");
  expect(verdictOfText(`${good}\n{"broken`, "text")).toBe("taken invalid_json");
});

test("the fault finder agrees with JSON.parse on any text near JSON", () => {
  const near = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom(
        "",
        '"',
        "{",
        "]",
        ",",
        ":",
        "\\",
        "0",
        ".",
        "e",
        "\u0001",
        "\u007f",
        "\u2028",
        " ",
        "-",
      ),
    )
    .map(([json, at, piece]) => {
      const index = at % (json.length + 1);
      return json.slice(0, index) + piece + json.slice(index + (at % 2));
    });
  fc.assert(
    fc.property(near, (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      expect(jsonFaultAt(text) === null).toBe(valid);
    }),
    { numRuns: 2_000 },
  );
});

test("[EV6] each limit holds at its value and one past it", () => {
  const many = (count: number) => `[${Array.from({ length: count }, () => "1").join(",")}]`;
  expect(verdicts(many(eventsPerRequestMax), "batch")).toHaveLength(eventsPerRequestMax);
  expect(verdictOfText(many(eventsPerRequestMax + 1), "batch")).toBe("request:too_many_events");
  expect(verdicts("1\n".repeat(eventsPerRequestMax), "ndjson")).toHaveLength(eventsPerRequestMax);
  expect(verdictOfText("1\n".repeat(eventsPerRequestMax + 1), "ndjson")).toBe("request:too_many_events");

  const room = eventBytesMax - JSON.stringify(eventOf({ data: "" })).length;
  expect(verdict({ data: "x".repeat(room) })).toBe("taken");
  expect(verdict({ data: "x".repeat(room + 1) })).toBe("event_too_large");
  expect(verdict({ data: "é".repeat(room / 2) })).toBe("taken");
  expect(verdict({ data: `${"é".repeat(Math.floor(room / 2))}xx` })).toBe("event_too_large");

  expect(verdict({ type: "x".repeat(typeBytesMax) })).toBe("taken");
  expect(verdict({ type: "x".repeat(typeBytesMax + 1) })).toBe("event_too_large");
  expect(verdict({ type: "é".repeat((typeBytesMax - 1) / 2) })).toBe("taken");
  expect(verdict({ type: "é".repeat((typeBytesMax + 1) / 2) })).toBe("event_too_large");
  for (const name of ["id", "source", "subject", "ext"]) {
    expect(verdict({ [name]: "x".repeat(attributeBytesMax) })).toBe("taken");
    expect(verdict({ [name]: "x".repeat(attributeBytesMax + 1) })).toBe("event_too_large");
  }
  const extensions = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, ""]));
  expect(verdict({ ...extensions(attributesPerEventMax - 4), data: 1 })).toBe("taken");
  expect(verdict({ ...extensions(attributesPerEventMax - 3), data: 1 })).toBe("event_too_large");

  const nested = (depth: number) =>
    `{${good.slice(1, -1)},"data":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  expect(verdictOfText(nested(nestingMax), "event")).toBe("taken");
  expect(verdicts(`[${nested(nestingMax)},${nested(nestingMax + 1)},${good}]`, "batch")).toEqual([
    "taken",
    "event_too_large",
    "taken",
  ]);
});

test("hostile texts take time in proportion to their length", () => {
  const started = performance.now();
  const size = 1_000_000;
  for (const text of [
    "[".repeat(size),
    `[${"[],".repeat(size / 4)}`,
    `{"a":"${"\\".repeat(size)}`,
    `["${'\\"'.repeat(size / 2)}`,
    `{"id":"1","source":"${"a".repeat(size)}"}`,
    `{"a":"${"%".repeat(size)}"}`,
    '"\n'.repeat(5_000) + "x".repeat(size),
  ]) {
    verdicts(text, "auto");
    verdicts(text, "ndjson");
    verdicts(text, "text");
  }
  expect(performance.now() - started).toBeLessThan(3_000);
});
