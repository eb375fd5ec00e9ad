/** The events of a run: who made them, when, and with what time written on them. */
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import { bytesToHex, fingerprintOf } from "../../domain/fingerprint.ts";
import { epochMs, isoOf } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import type { Random } from "./random.ts";
import type { WorldSettings } from "./settings.ts";

export interface SentEvent {
  readonly event: AdmissibleEvent & { readonly streamType: EventType };
  /** The identity, as 32 hex characters. */
  readonly fingerprint: string;
}

const sources = ["phone", "desk", "car", "tv"];

/** How old an event is when it is made: new; minutes; hours late; ahead by a wrong clock; days; unbelievable. */
const ages: readonly ((random: Random) => number)[] = [
  () => 0,
  () => 0,
  (random) => random.between(0, 60_000),
  (random) => random.between(-60_000, 900_000),
  (random) => random.between(0, 5 * 3_600_000),
  (random) => random.between(-3 * 3_600_000, 0),
  (random) => random.between(6 * 86_400_000, 10 * 86_400_000),
  (random) => random.between(20 * 86_400_000, 400 * 86_400_000),
];

export function makeEvent(random: Random, settings: WorldSettings, no: number, nowMs: number): SentEvent {
  const type = random.pick(settings.types);
  const source = random.pick(sources);
  const id = `e${no}`;
  // Undated, made just now, or a while ago on a device that was offline; devices' clocks are a little wrong.
  const timeMs = random.chance(0.25) ? null : epochMs(nowMs - random.pick(ages)(random));
  const partitionKey = random.chance(0.1) ? random.pick(["a", "b"]) : null;
  const json = JSON.stringify({
    specversion: "1.0",
    id,
    source,
    type,
    ...(timeMs === null ? {} : { time: isoOf(timeMs) }),
    ...(partitionKey === null ? {} : { partitionkey: partitionKey }),
    data: "x".repeat(random.between(0, settings.paddingBytes)),
  });
  const event = { type, streamType: type, source, id, timeMs, partitionKey, json, jsonBytes: json.length };
  return { event, fingerprint: bytesToHex(fingerprintOf(event)) };
}
