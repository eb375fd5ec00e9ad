/** Which rows a request sends to which shard; what an append does is not looked at here. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import { epochMs, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import { EventType, shardName } from "../../domain/ids.ts";
import { laneBytesMax } from "../../domain/limits.ts";
import { headerBytes, packRows } from "../../domain/packed-rows.ts";
import { planFor } from "../../domain/plan.ts";
import { homeOf, routeOf } from "../../domain/route.ts";
import { rowLine } from "../../domain/row-line.ts";
import { type Stream, StreamSettings } from "../../domain/stream.ts";
import type { RoutedRows } from "../../workers/ingest/append.ts";
import { type DeliverEnv, type Deliverable, deliver } from "../../workers/ingest/deliver.ts";
import { EdgeMemory } from "../../workers/ingest/edge-memory.ts";
import { hour } from "../domain/make.ts";

const now = epochMs(startOf(hour) + 60_000);

function streamOf(type: string, more: Partial<Stream>): Stream {
  const firstHour = plusHours(hour, -10);
  return {
    ...StreamSettings.parse({}),
    type: EventType.parse(type),
    firstHour,
    planned: [],
    schemaVersion: 0,
    ...more,
  };
}

const streams = [
  streamOf("one", {}),
  streamOf("many", { shards: 3, partitionBy: "id", schemaVersion: 2 }),
  streamOf("planned", {
    shardsMax: 4,
    planned: [
      { from: plusHours(hour, -1), shards: 2 },
      { from: hour, shards: 4 },
    ],
  }),
];

const deliverable: fc.Arbitrary<Deliverable> = fc
  .record({
    stream: fc.constantFrom(...streams),
    source: fc.constantFrom("a", "b"),
    id: fc.constantFrom("1", "2", "3"),
    timeMs: fc.constantFrom(null, -7_200_000, -120_000, -30_000, 0, 1, 7_200_000),
  })
  .map(({ stream, source, id, timeMs }) => {
    const event: AdmissibleEvent = {
      type: stream.type,
      source,
      id,
      timeMs: timeMs === null ? null : epochMs(now + timeMs),
      partitionKey: null,
      json: `{"id":"${id}"}`,
      jsonBytes: 10,
    };
    return { event, stream };
  });

/** What goes where if every event is looked at by itself. */
function plainGroups(deliverables: readonly Deliverable[]): Map<string, { plan: object; lines: string[] }> {
  const groups = new Map<string, { plan: object; lines: string[] }>();
  for (const { event, stream } of deliverables) {
    const { hour: taken, homeHour } = routeOf(event.timeMs, now, stream, () => false);
    const plan = planFor(stream, taken);
    const name = shardName(homeOf(event, taken, plan, 0).address);
    const group = groups.get(name) ?? { plan, lines: [] };
    group.lines.push(rowLine(event.json, isoOf(now), homeHour, stream.schemaVersion));
    groups.set(name, group);
  }
  return groups;
}

/** The memory of an edge whose shards accept everything, and what they were sent. */
function taking(): { readonly memory: EdgeMemory; readonly sent: readonly RoutedRows[] } {
  const sent: RoutedRows[] = [];
  const memory = new EdgeMemory();
  memory.lanes.append = (routed) => {
    sent.push(routed);
    return Promise.resolve({ decided: true, acceptedRows: new Uint8Array(routed.rows.length).fill(1) });
  };
  return { memory, sent };
}

it("events of a request go in one append for each shard, in order, wherever the one before them went", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deliverable, { maxLength: 12 }), async (deliverables) => {
      const { memory, sent } = taking();
      const fates = await deliver({} as DeliverEnv, memory, deliverables, now);
      expect(fates.map(({ fate }) => fate)).toEqual(deliverables.map(() => "accepted"));
      const groups = sent.map(({ address, plan, rows }) => [
        shardName(address),
        { plan, lines: rows.map(({ line }) => line) },
      ]);
      expect(groups).toEqual([...plainGroups(deliverables)]);
    }),
  );
});

it.each([
  ["as one append to the last byte that it bears", 0, [2]],
  ["as two with one byte more", 1, [1, 1]],
])("events of one shard go %s", async (_, more, expected) => {
  const [stream] = streams;
  if (stream === undefined) throw new Error("no stream");
  const eventOf = (jsonBytes: number): Deliverable => {
    // Of two bytes each, so that characters are half of them.
    const json = "é".repeat(Math.floor(jsonBytes / 2)) + "x".repeat(jsonBytes % 2);
    const event = { type: stream.type, source: "a", id: `${jsonBytes}`, timeMs: now, partitionKey: null };
    return { event: { ...event, json, jsonBytes }, stream };
  };
  const around = rowLine("", isoOf(now), hour, stream.schemaVersion).length + headerBytes;
  const { memory, sent } = taking();
  const first = 1_000_001;
  const second = laneBytesMax - first - 2 * around + more;
  const fates = await deliver({} as DeliverEnv, memory, [eventOf(first), eventOf(second)], now);
  expect(fates.map(({ fate }) => fate)).toEqual(["accepted", "accepted"]);
  expect(sent.map(({ rows }) => rows.length)).toEqual(expected);
  for (const { rows, bytes } of sent) expect(packRows(rows).length).toBe(4 + bytes);
});
