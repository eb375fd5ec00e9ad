import { expect, test } from "vitest";
import { epochMs } from "../../domain/hour.ts";
import { unsettledMsMax } from "../../domain/limits.ts";
import { isUnsettled } from "../../domain/settled.ts";

test("[AU13] an hour that nobody has audited is waited for; one that does not balance, for so long", () => {
  const faultAt = epochMs(1_000);
  expect(isUnsettled(null, epochMs(Number.MAX_SAFE_INTEGER))).toBe(true);
  expect(isUnsettled(faultAt, epochMs(faultAt + unsettledMsMax - 1))).toBe(true);
  expect(isUnsettled(faultAt, epochMs(faultAt + unsettledMsMax))).toBe(false);
});
