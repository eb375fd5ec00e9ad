/** Wrapping an event for quarantine, and taking it out again. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AdmissibleEvent, admitJsonText } from "../../domain/event/index.ts";
import { fingerprintOf } from "../../domain/fingerprint.ts";
import { eventBytesMax } from "../../domain/limits.ts";
import { quarantineEventOf, quarantineType, quarantinedOf } from "../../domain/quarantine.ts";
import type { EventRefusal } from "../../domain/refusal.ts";
import { rowLine } from "../../domain/row-line.ts";
import { hour } from "./make.ts";

const refusal: EventRefusal = { code: "schema_violation", detail: "why", pointer: "/data/a" };

function admitted(json: string): AdmissibleEvent {
  const admissions = admitJsonText(json, "event");
  if (!admissions.ok) throw new Error(JSON.stringify(admissions.reason));
  const [first] = admissions.value;
  if (first?.outcome.ok !== true) throw new Error(JSON.stringify(first));
  return first.outcome.value;
}

function eventOf(members: object, data = '{"a": 1.0, "a":"\\u00e4"}'): AdmissibleEvent {
  const text = JSON.stringify({ specversion: "1.0", source: "/s", id: "1", type: "t", ...members });
  return admitted(`${text.slice(0, -1)},"data":${data}}`);
}

function lineOf(event: AdmissibleEvent): string {
  return rowLine(event.json, "2026-11-23T10:00:00.000Z", hour);
}

const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((value) => value.isWellFormed());

describe("an event in quarantine", () => {
  it("[QU2] is a valid event of the quarantine stream, with the time of the one that it wraps", () => {
    const original = eventOf({ time: "2026-11-23T11:30:00.25+01:00" });
    const wrapped = quarantineEventOf(original, refusal, 4, 7);
    expect(admitted(wrapped.json)).toEqual(wrapped);
    expect(wrapped).toMatchObject({ type: quarantineType, timeMs: original.timeMs, partitionKey: "t" });
    expect(quarantineEventOf(eventOf({}), refusal, 0, 0).timeMs).toBeNull();
  });

  it("[QU2] of any type and identity is valid, and found again character by character", () => {
    fc.assert(
      fc.property(text, text, fc.nat(), (type, id, position) => {
        fc.pre(new TextEncoder().encode(type).length <= 255);
        const original = eventOf({ type, id });
        const wrapped = quarantineEventOf(original, refusal, position, 1);
        expect(admitted(wrapped.json)).toEqual(wrapped);
        expect(quarantinedOf(lineOf(wrapped), type)).toEqual({
          receivedAt: "2026-11-23T10:00:00.000Z",
          type,
          id,
          source: "/s",
          ...refusal,
          position,
          schemaVersion: 1,
          event: original.json,
        });
        expect(quarantinedOf(lineOf(wrapped), `${type}x`)).toBeNull();
      }),
    );
  });

  it("[QU3] has one identity, whatever is wrong with it and wherever it stood; another event has another", () => {
    const wrap = (original: AdmissibleEvent, code: EventRefusal["code"], position: number): string => {
      const { source, id } = quarantineEventOf(original, { code, detail: code }, position, position);
      return `${source} ${id}`;
    };
    const first = wrap(eventOf({}), "schema_violation", 0);
    expect(wrap(eventOf({}, "2"), "unknown_type", 9)).toBe(first);
    const others = [{ id: "2" }, { source: "/t" }, { type: "u" }].map((more) =>
      wrap(eventOf(more), "schema_violation", 0),
    );
    expect(new Set([first, ...others]).size).toBe(4);
    const original = eventOf({});
    expect(quarantineEventOf(original, refusal, 0, 0).id).toBe(
      Array.from(fingerprintOf(original), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
  });

  it("[QU2] of the largest size fits a row", () => {
    const frame = eventOf({}, '""').jsonBytes;
    const original = eventOf({}, `"${"x".repeat(eventBytesMax - frame)}"`);
    expect(original.jsonBytes).toBe(eventBytesMax);
    expect(quarantineEventOf(original, refusal, 0, 0).jsonBytes).toBeLessThan(eventBytesMax + 16 * 1024);
  });

  it("[QU2] is told from what is none", () => {
    expect(quarantinedOf(lineOf(eventOf({})), "t")).toBeNull();
  });
});
