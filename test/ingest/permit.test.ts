/** Where an event goes that its key may write: into its stream, into quarantine, or back. */
import { expect, test } from "vitest";
import { epochMs } from "../../domain/hour.ts";
import { quarantineType } from "../../domain/quarantine.ts";
import { StreamDocument } from "../../domain/stream.ts";
import type { Principal } from "../../platform/auth.ts";
import { admitRequest } from "../../workers/ingest/body.ts";
import { permitOf } from "../../workers/ingest/permit.ts";

const drain = { sinceMs: epochMs(0), author: "Ann", note: "" };
const schema = { type: "object", required: ["price"], properties: { price: { type: "number" } } };

function streamOf(type: string, more: object = {}) {
  return StreamDocument.parse({ type, firstHour: "2026-11-23T10", ...more });
}

/** What becomes of an event, whose data is `{}`, with these streams there; and in whose account it is. */
async function fateOf(type: string, streams: readonly ReturnType<typeof streamOf>[], scope = "write:*") {
  const body = JSON.stringify({ specversion: "1.0", id: "1", source: "s", type, data: {} });
  const headers = { "content-type": "application/json" };
  const admitted = await admitRequest(new Request("https://x.test/", { method: "POST", headers, body }));
  const event = admitted.ok ? admitted.value[0]?.outcome : undefined;
  if (event?.ok !== true) throw new Error("the event is not valid");
  const principal: Principal = { keyId: "k", scopes: [scope], eventsPerSecondMax: null };
  const known = new Map(streams.map((stream) => [stream.type, stream]));
  const permit = permitOf(event.value, 0, principal, known);
  const why = permit.goes === "on" ? "" : ` ${permit.refusal.code}`;
  return `${permit.goes}${why}, ${permit.countedAs || "of no stream"}`;
}

const quarantine = streamOf(quarantineType, { onInvalid: "quarantine" });
const strict = { schema, schemaVersion: 1, onInvalid: "quarantine" };

test("[DR2] an event of a drained stream goes back, counted in its stream, and of another one on", async () => {
  expect(await fateOf("a", [streamOf("a")])).toBe("on, a");
  expect(await fateOf("a", [streamOf("a", { drain })])).toBe("back stream_drained, a");
  expect(await fateOf("a", [streamOf("a"), streamOf("b", { drain })])).toBe("on, a");
});

test("[DR2] a drained stream looks at no data and sends nothing to quarantine", async () => {
  expect(await fateOf("a", [streamOf("a", strict), quarantine])).toBe("to_quarantine schema_violation, a");
  expect(await fateOf("a", [streamOf("a", { ...strict, drain }), quarantine])).toBe("back stream_drained, a");
});

test("[DR2] a quarantine that is drained holds back what would go there, registered or not", async () => {
  const drained = { ...quarantine, drain };
  expect(await fateOf("a", [streamOf("a", strict), drained])).toBe("back stream_drained, a");
  expect(await fateOf("x", [quarantine])).toBe("to_quarantine unknown_type, of no stream");
  expect(await fateOf("x", [drained])).toBe("back stream_drained, of no stream");
  expect(await fateOf("x", [{ ...drained, onInvalid: "refuse" as const }])).toBe(
    "back unknown_type, of no stream",
  );
});

test("[DR2] a key without the scope hears of the scope, and nothing of the drain", async () => {
  expect(await fateOf("a", [streamOf("a", { drain })], "write:b")).toBe("back forbidden_type, of no stream");
});
