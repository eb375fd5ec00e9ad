/** What a freeze keeps: the same for an object that asks, and for a statement that leaves it out. */
import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { EventType } from "../../../domain/ids.ts";
import { addFreeze, freezeOf, notFrozen } from "../../../platform/catalog/freezes.ts";
import { at } from "../helpers.ts";

const db = env.CATALOG;
const now = at("2026-11-23T12:00:00Z");
const a = EventType.parse("a");
const b = EventType.parse("b");

beforeEach(async () => {
  await db.prepare("DELETE FROM freezes").run();
});

/** Whether a statement leaves out what is of the stream that a column names. */
async function leftOut(type: EventType | null): Promise<boolean> {
  const query = `SELECT 1 FROM (SELECT ?1 AS stream) AS one WHERE ${notFrozen("one.stream")}`;
  return (await db.prepare(query).bind(type).all()).results.length === 0;
}

it.each<[string, readonly (EventType | null)[], EventType | null, boolean]>([
  ["nothing is frozen", [], a, false],
  ["the stream is", [a], a, true],
  ["another stream is", [b], a, false],
  ["all streams are", [null], a, true],
  ["one stream is, and it is of several", [b], null, true],
  ["all streams are, and it is of several", [null], null, true],
  ["nothing is, and it is of several", [], null, false],
])("[OP13] %s", async (_name, frozen, type, kept) => {
  for (const one of frozen) await addFreeze(db, { type: one, author: "Ann", note: "" }, now);
  expect((await freezeOf(db, type)) !== null).toBe(kept);
  expect(await leftOut(type)).toBe(kept);
});

it("[OP13] of two freezes that keep a stream, the one of all streams is named", async () => {
  for (const type of [a, null]) await addFreeze(db, { type, author: "Ann", note: "why" }, now);
  expect(await freezeOf(db, a)).toEqual({ type: null, sinceMs: now, author: "Ann", note: "why" });
});
