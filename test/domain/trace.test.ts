import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { traceparentCharsMax } from "../../domain/limits.ts";
import { CarriedTrace, isSampled, sampleRateOf, traceOf, traceparentOf } from "../../domain/trace.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";

describe("[LG2] a traceparent", () => {
  it("of this version, and what is known of a later one, is read", () => {
    expect(traceOf(`00-${traceId}-${parentId}-01`)).toEqual({ traceId, parentId, sampled: true });
    expect(traceOf(`00-${traceId}-${parentId}-00`)).toEqual({ traceId, parentId, sampled: false });
    expect(traceOf(`cc-${traceId}-${parentId}-03-what-comes`)).toEqual({ traceId, parentId, sampled: true });
  });

  it("that is none is as if it had not come", () => {
    const wrong = [
      null,
      undefined,
      "",
      "hello",
      `ff-${traceId}-${parentId}-01`,
      `00-${"0".repeat(32)}-${parentId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${parentId}-01`,
      `00-${traceId}-${parentId}-01-more`,
      `00-${traceId}-${parentId}`,
      `00-${traceId}-${parentId}-01\n`,
    ];
    for (const text of wrong) expect(traceOf(text), String(text)).toBeNull();
  });

  it("is read up to its bound, and not past it", () => {
    const upTo = `01-${traceId}-${parentId}-01-`.padEnd(traceparentCharsMax, "x");
    expect(traceOf(upTo)).not.toBeNull();
    expect(traceOf(`${upTo}x`)).toBeNull();
  });

  it("in a message is kept as it was written, and left out if it is not understood", () => {
    const written = traceparentOf(traceId, parentId, true);
    expect(CarriedTrace.parse(written)).toBe(written);
    for (const wrong of ["no trace", 7, null, undefined]) expect(CarriedTrace.parse(wrong)).toBeUndefined();
  });
});

const anyTraceId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));

describe("[LG3] sampling", () => {
  it("takes all at 1 and none at 0, and with a lower rate none that a higher one leaves out", () => {
    fc.assert(
      fc.property(anyTraceId, fc.double({ min: 0, max: 1, noNaN: true }), (id, rate) => {
        expect(isSampled(id, 1)).toBe(true);
        expect(isSampled(id, 0)).toBe(false);
        expect(isSampled(id, rate)).toBe(isSampled(id, rate));
        if (isSampled(id, rate / 2)) expect(isSampled(id, rate)).toBe(true);
      }),
    );
  });

  it("takes about the share that it is told", () => {
    const ids = fc.sample(anyTraceId, { numRuns: 20_000, seed: 1 });
    const share = ids.filter((id) => isSampled(id, 0.1)).length / ids.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.12);
  });

  it("has a rate from 0 to 1", () => {
    expect(["0", "1", "0.25"].map(sampleRateOf)).toEqual([0, 1, 0.25]);
    for (const wrong of ["", " ", "-0.01", "1.01", "much", "NaN", "Infinity"]) {
      expect(sampleRateOf(wrong), wrong).toBeNull();
    }
  });
});
