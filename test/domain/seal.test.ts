import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Holder, holderName } from "../../domain/ids.ts";
import { epochMs } from "../../domain/hour.ts";
import { sealRetryMsMax, sealRetryMsMin, shardsMax } from "../../domain/limits.ts";
import { type SealProgress, type SealStep, nextSealStep, retryDelayMs } from "../../domain/seal.ts";
import { hour, hourOfText, indexOf } from "./make.ts";

const dueAtMs = epochMs(1_000);
const order = [
  "wait",
  "stop_enrolment",
  "collect_receipts",
  "plan_merge",
  "put_merged",
  "check_parts",
  "freeze_manifest",
  "create_manifest",
  "mark_success",
  "mark_sealed",
  "done",
];

const blank: SealProgress = {
  phase: "blank",
  dueAtMs,
  missingReceipts: [],
  mergePlanned: false,
  unputMerged: [],
  partsChecked: false,
  manifestFrozen: false,
  manifestCreated: false,
  successMarked: false,
};

/** Of the bucket's hour, or of an earlier one: both before 2026-11-23T10 in text order and after it. */
const anyHolder: fc.Arbitrary<Holder> = fc.record({
  hour: fc.constantFrom(hour, hourOfText("2026-11-23T09"), hourOfText("2026-11-22T23")),
  index: fc.nat({ max: shardsMax - 1 }).map(indexOf),
});

const anyProgress: fc.Arbitrary<SealProgress> = fc.record({
  phase: fc.constantFrom("blank", "planned", "open", "sealing", "sealed"),
  dueAtMs: fc.constant(dueAtMs),
  missingReceipts: fc.uniqueArray(anyHolder, { selector: holderName, maxLength: 6 }),
  mergePlanned: fc.boolean(),
  unputMerged: fc.uniqueArray(fc.nat({ max: 9 }), { maxLength: 3 }),
  partsChecked: fc.boolean(),
  manifestFrozen: fc.boolean(),
  manifestCreated: fc.boolean(),
  successMarked: fc.boolean(),
});

/** What a bucket durably knows once the step has taken effect; of the receipts asked for, some come. */
function after(progress: SealProgress, step: SealStep, come: number): SealProgress {
  switch (step.step) {
    case "stop_enrolment":
      return { ...progress, phase: "sealing" };
    case "collect_receipts":
      return { ...progress, missingReceipts: progress.missingReceipts.slice(come) };
    case "plan_merge":
      return { ...progress, mergePlanned: true };
    case "put_merged":
      return { ...progress, unputMerged: progress.unputMerged.filter((no) => no !== step.no) };
    case "check_parts":
      return { ...progress, partsChecked: true };
    case "freeze_manifest":
      return { ...progress, manifestFrozen: true };
    case "create_manifest":
      return { ...progress, manifestCreated: true };
    case "mark_success":
      return { ...progress, successMarked: true };
    case "mark_sealed":
      return { ...progress, phase: "sealed" };
    case "wait":
    case "done":
      return progress;
  }
}

function walk(from: SealProgress, come: readonly number[]): { steps: SealStep[]; end: SealProgress } {
  const steps: SealStep[] = [];
  let progress = from;
  for (let tries = 0; tries < 100; tries++) {
    const step = nextSealStep(progress, dueAtMs);
    steps.push(step);
    if (step.step === "done") return { steps, end: progress };
    progress = after(progress, step, come[tries % come.length] ?? 1);
  }
  throw new Error("the seal does not end");
}

describe("the seal", () => {
  it("[BU7] reaches its end from wherever it stopped, in order and in a bounded number of steps", () => {
    const come = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(anyProgress, come, (from, counts) => {
        const { steps, end } = walk(from, counts);
        expect(end.phase).toBe("sealed");
        expect(steps.length).toBeLessThanOrEqual(10 + from.missingReceipts.length + from.unputMerged.length);
        const places = steps.map(({ step }) => order.indexOf(step));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
    );
  });

  it("[BU4] freezes a manifest only after every receipt, every merged part and the look at R2", () => {
    fc.assert(
      fc.property(anyProgress, fc.array(fc.nat({ max: 2 }), { minLength: 1 }), (from, counts) => {
        let progress = from;
        for (let tries = 0; tries < 40 && progress.phase !== "sealed"; tries++) {
          const step = nextSealStep(progress, dueAtMs);
          if (step.step === "collect_receipts") expect(step.from).toEqual(progress.missingReceipts);
          if (["freeze_manifest", "create_manifest", "mark_success", "mark_sealed"].includes(step.step)) {
            expect(progress).toMatchObject({
              missingReceipts: [],
              mergePlanned: true,
              unputMerged: [],
              partsChecked: true,
            });
          }
          progress = after(progress, step, counts[tries % counts.length] ?? 0);
        }
      }),
    );
  });

  it("[BU5] creates the manifest after it is frozen, and marks success after it is created", () => {
    const done = { ...blank, phase: "sealing", mergePlanned: true, partsChecked: true } as const;
    const next = (more: Partial<SealProgress>): string => nextSealStep({ ...done, ...more }, dueAtMs).step;
    expect(next({})).toBe("freeze_manifest");
    expect(next({ manifestFrozen: true })).toBe("create_manifest");
    expect(next({ manifestFrozen: true, manifestCreated: true })).toBe("mark_success");
    expect(next({ manifestFrozen: true, manifestCreated: true, successMarked: true })).toBe("mark_sealed");
    expect(next({ phase: "sealed" })).toBe("done");
  });

  it("[BU3] begins when it is due and not before, and then by enrolling nobody any more", () => {
    for (const phase of ["blank", "open"] as const) {
      expect(nextSealStep({ ...blank, phase }, epochMs(999))).toEqual({ step: "wait", untilMs: dueAtMs });
      expect(nextSealStep({ ...blank, phase }, dueAtMs)).toEqual({ step: "stop_enrolment" });
    }
    expect(nextSealStep({ ...blank, phase: "sealing" }, epochMs(0)).step).toBe("plan_merge");
  });

  it("[BU6] of a blank bucket goes through every step that needs no shard", () => {
    expect(walk(blank, [1]).steps.map(({ step }) => step)).toEqual([
      "stop_enrolment",
      "plan_merge",
      "check_parts",
      "freeze_manifest",
      "create_manifest",
      "mark_success",
      "mark_sealed",
      "done",
    ]);
  });
});

describe("retryDelayMs", () => {
  it("[BU9] doubles, is bounded, and is spread by the jitter", () => {
    expect([0, 1, 2, 3].map((attempts) => retryDelayMs(attempts, 0.5))).toEqual(
      [1, 2, 4, 8].map((times) => times * sealRetryMsMin),
    );
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, jitter) => {
          const delay = retryDelayMs(attempts, jitter);
          const middle = retryDelayMs(attempts, 0.5);
          expect(middle).toBeLessThanOrEqual(sealRetryMsMax);
          expect(retryDelayMs(attempts + 1, 0.5)).toBeGreaterThanOrEqual(middle);
          expect(delay).toBeGreaterThanOrEqual(middle * 0.75 - 1);
          expect(delay).toBeLessThanOrEqual(middle * 1.25 + 1);
          expect(Number.isInteger(delay)).toBe(true);
        },
      ),
    );
    expect(retryDelayMs(3, 0)).toBeLessThan(retryDelayMs(3, 0.9));
    expect(retryDelayMs(1_000, 0.5)).toBe(sealRetryMsMax);
  });
});
