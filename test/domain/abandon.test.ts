import { expect, test } from "vitest";
import { type Waiting, decideAbandon } from "../../domain/abandon.ts";
import { epochMs } from "../../domain/hour.ts";
import { abandonAfterMs } from "../../domain/limits.ts";

const since = epochMs(1_000);
const from = epochMs(since + abandonAfterMs);

test.each<[string, Waiting, number, unknown]>([
  [
    "waited for long",
    { enrolled: "waiting", failingSinceMs: since },
    from,
    { abandoned: true, before: false },
  ],
  [
    "a moment too early",
    { enrolled: "waiting", failingSinceMs: since },
    from - 1,
    { abandoned: false, why: "too_early", fromMs: from },
  ],
  [
    "whose bucket waits for nothing",
    { enrolled: "waiting", failingSinceMs: null },
    from,
    { why: "not_waiting" },
  ],
  ["that answered", { enrolled: "answered", failingSinceMs: since }, from, { why: "answered" }],
  ["that nobody enrolled", { enrolled: "no", failingSinceMs: since }, from, { why: "not_enrolled" }],
  ["given up before", { enrolled: "abandoned", failingSinceMs: null }, 0, { abandoned: true, before: true }],
])("[OP15] a shard %s", (_what, waiting, now, reply) => {
  expect(decideAbandon(waiting, epochMs(now))).toMatchObject(reply as object);
});
