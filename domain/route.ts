/** Where an event goes: from its own time, the arrival time and what is known to be closed, to an hour and a shard. */
import { type EpochMs, type Hour, endOf, hourNumber, hourNumberOf, hourOf, plusHours } from "./hour.ts";
import type { EventType, ShardAddress } from "./ids.ts";
import { type Plan, homeIndex, partitionHash, partitionKeyOf } from "./plan.ts";
import { type EventRefusal, type Result, no, ok } from "./refusal.ts";
import type { Stream } from "./stream.ts";

/**
 * The hour whose bucket takes an event that arrived at `now`: its own hour if that is the arrival hour or, within its
 * grace, the one before; the arrival hour if it is undated.
 *
 * `isClosed` says which hours the edge has been told are closed: an edge whose clock is slow learns it from there,
 * and its arrival hour is the first hour that is not.
 */
export function chooseHour(
  timeMs: EpochMs | null,
  now: EpochMs,
  stream: Pick<Stream, "graceMs" | "firstHour">,
  isClosed: (hour: Hour) => boolean,
): Result<Hour, EventRefusal> {
  const arrival = arrivalHour(now, isClosed);
  if (timeMs === null) return ok(arrival);
  // Compared as numbers: a time near the years 0000 and 9999 can lie in an hour that has no written form.
  const ahead = hourNumberOf(timeMs) - hourNumber(arrival);
  if (ahead === 0) return ok(arrival);
  if (ahead > 0)
    return no({ code: "ahead", detail: "its hour has not begun; check the clock that sets `time`" });
  const previous = plusHours(arrival, -1);
  const inGrace = ahead === -1 && now < endOf(previous) + stream.graceMs;
  if (inGrace && hourNumber(previous) >= hourNumber(stream.firstHour) && !isClosed(previous))
    return ok(previous);
  return no({ code: "late", detail: "its hour is no longer open" });
}

/** Hours an edge's clock may be behind before it is refused altogether. */
const slowHoursMax = 3;

function arrivalHour(now: EpochMs, isClosed: (hour: Hour) => boolean): Hour {
  let hour = hourOf(now);
  for (let behind = 0; behind < slowHoursMax && isClosed(hour); behind++) hour = plusHours(hour, 1);
  return hour;
}

/** The home shard of an event within its bucket, with the hash that the shard checks. */
export function homeOf(
  event: {
    readonly type: string;
    readonly partitionKey: string | null;
    readonly source: string;
    readonly id: string;
  },
  hour: Hour,
  plan: Plan,
): { readonly address: ShardAddress; readonly hash: number } {
  const hash = partitionHash(partitionKeyOf(event, plan));
  return { address: { type: event.type as EventType, hour, index: homeIndex(hash, plan) }, hash };
}

/** The line of a row: what is stored, delivered and re-read. `eventJson` is the event as posted, on one line. */
export function rowLine(eventJson: string, receivedAt: string, homeHour: Hour): string {
  return `{"received_at":"${receivedAt}","home_hour":"${homeHour}","event":${eventJson}}\n`;
}
