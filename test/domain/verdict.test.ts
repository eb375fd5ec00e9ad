import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Finding, FindingKind, Hop, verdictOf } from "../../domain/verdict.ts";

const severity = ["corrupt", "missing", "surplus", "unaudited"];
const findings = fc.array(
  fc.record<Finding>({
    kind: fc.constantFrom(...FindingKind.options),
    hop: fc.constantFrom(...Hop.options),
    where: fc.constant("shard 0"),
    rows: fc.nat({ max: 5 }),
    expected: fc.constant(null),
    found: fc.constant(null),
    detail: fc.constant(""),
  }),
);

describe("verdictOf", () => {
  it("[AU9] is the worst finding's kind, whatever comes with it, and balanced only without any", () => {
    fc.assert(
      fc.property(findings, (list) => {
        const worst = severity.find((kind) => list.some((finding) => finding.kind === kind));
        expect(verdictOf(list)).toBe(worst ?? "balanced");
        expect(verdictOf(list) === "balanced").toBe(list.length === 0);
      }),
    );
  });
});
