import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LocalPart, afterCheck, partStep, wholeDownloadsMax } from "../../../domain/pull/part-step.ts";

const sha256 = "a".repeat(64);
const part = { bytes: 10, sha256 };
const absent: LocalPart = { file: null, partialBytes: null };

describe("[RD6] what is done with a part", () => {
  test.each<[string, LocalPart, object]>([
    ["nothing is there", absent, { step: "download", fromByte: 0 }],
    ["it is there", { ...absent, file: { bytes: 10, sha256 } }, { step: "keep" }],
    [
      "it is there, and was looked at only",
      { ...absent, file: { bytes: 10, sha256: null } },
      { step: "keep" },
    ],
    ["half of it is there", { ...absent, partialBytes: 4 }, { step: "download", fromByte: 4 }],
    ["an empty beginning is there", { ...absent, partialBytes: 0 }, { step: "download", fromByte: 0 }],
    ["all of it is there and was not named", { ...absent, partialBytes: 10 }, { step: "check" }],
    ["more than all of it is there", { ...absent, partialBytes: 11 }, { step: "download", fromByte: 0 }],
  ])("%s", (_name, local, expected) => {
    expect(partStep(part, local)).toEqual(expected);
  });

  test.each([
    ["too short", { bytes: 9, sha256: null }],
    ["too long", { bytes: 11, sha256: null }],
    ["of other bytes", { bytes: 10, sha256: "b".repeat(64) }],
  ])("[RD7] a file under its name that is %s is downloaded again", (_name, file) => {
    expect(partStep(part, { file, partialBytes: null })).toEqual({ step: "download", fromByte: 0 });
    expect(partStep(part, { file, partialBytes: 3 })).toEqual({ step: "download", fromByte: 3 });
  });

  test("what is downloaded lies within the part, and begins where something ends", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.option(fc.nat(60)), (bytes, partialBytes) => {
        const step = partStep({ bytes, sha256 }, { file: null, partialBytes });
        if (step.step === "check") expect(partialBytes).toBe(bytes);
        if (step.step !== "download") return;
        expect(step.fromByte).toBeLessThan(bytes);
        expect([0, partialBytes]).toContain(step.fromByte);
      }),
    );
  });
});

test("[RD7] only what was downloaded whole, and is not right again and again, is corrupt at the source", () => {
  expect(afterCheck(true, 0)).toBe("accept");
  expect(afterCheck(true, wholeDownloadsMax)).toBe("accept");
  expect(afterCheck(false, 0)).toBe("again");
  expect(afterCheck(false, wholeDownloadsMax - 1)).toBe("again");
  expect(afterCheck(false, wholeDownloadsMax)).toBe("corrupt");
});
