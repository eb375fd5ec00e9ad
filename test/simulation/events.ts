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

export function makeEvent(random: Random, settings: WorldSettings, no: number, nowMs: number): SentEvent {
  const type = random.pick(settings.types);
  const source = random.pick(sources);
  const id = `e${no}`;
  // Undated, made just now, or a while ago on a device that was offline; devices' clocks are a little wrong.
  const timeMs = random.chance(0.25)
    ? null
    : epochMs(nowMs - random.pick([0, random.between(0, 60_000), random.between(-60_000, 900_000)]));
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
