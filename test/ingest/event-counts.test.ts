import { expect, test } from "vitest";
import { countFates } from "../../workers/ingest/event-counts.ts";
import type { Fate } from "../../workers/ingest/deliver.ts";

test("[AU1] every event is counted once in its stream, and one in quarantine there too", () => {
  const refusal = { code: "schema_violation", detail: "" } as const;
  const fates: readonly Fate[] = [
    { fate: "accepted", late: false },
    { fate: "duplicate", late: true },
    { fate: "refused", refusal },
    { fate: "failed", why: "overloaded" },
    { fate: "quarantined", refusal, new: true },
    { fate: "quarantined", refusal, new: false },
    { fate: "quarantined", refusal, new: true },
  ];
  const counts = countFates(["a", "a", "a", "a", "a", "a", ""], fates);
  expect(Object.fromEntries(counts)).toEqual({
    a: { received: 6, accepted: 1, duplicates: 1, refused: 1, failed: 1, quarantined: 2 },
    "": { received: 1, accepted: 0, duplicates: 0, refused: 0, failed: 0, quarantined: 1 },
    "hourseal.quarantine": { received: 3, accepted: 2, duplicates: 1, refused: 0, failed: 0 },
  });
});

test("[AU1] an event without a fate is received and not answered for", () => {
  expect(countFates(["a"], []).get("a")).toMatchObject({ received: 1, accepted: 0 });
});
