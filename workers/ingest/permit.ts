/**
 * Where a valid event goes: into its stream, into quarantine, or back to the client with the reason. A decision by what
 * the key may do, which streams there are, and what each takes.
 */
import { drainRefusal } from "../../domain/drain.ts";
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import { quarantineEventOf, quarantineType } from "../../domain/quarantine.ts";
import type { EventRefusal } from "../../domain/refusal.ts";
import { lackedScope } from "../../domain/scope.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Principal } from "../../platform/auth.ts";
import type { Deliverable } from "./deliver.ts";
import { schemaRefusal } from "./schema.ts";

/** `countedAs`: the stream in whose account the event is; empty: no stream's. */
export type Permit = { readonly countedAs: string } & (
  | { readonly goes: "on"; readonly deliverable: Deliverable }
  | { readonly goes: "to_quarantine"; readonly deliverable: Deliverable; readonly refusal: EventRefusal }
  | { readonly goes: "back"; readonly refusal: EventRefusal }
);

/** `position`: the event's place in its request. */
export function permitOf(
  event: AdmissibleEvent,
  position: number,
  principal: Principal,
  streams: ReadonlyMap<string, Stream>,
): Permit {
  if (event.type === quarantineType) {
    const detail = "events of this type are made by Hourseal alone; choose another type";
    return { goes: "back", countedAs: "", refusal: { code: "forbidden_type", detail } };
  }
  const scope = lackedScope(principal.scopes, event);
  if (scope !== null) return { goes: "back", countedAs: "", refusal: outOfScope(scope) };
  const stream = streams.get(event.type);
  const quarantine = streams.get(quarantineType);
  const countedAs = stream?.type ?? "";
  // Before its data is looked at: what its stream does not take now is not quarantined, either.
  const drained = stream === undefined ? null : drainRefusal(stream);
  if (drained !== null) return { goes: "back", countedAs, refusal: drained };
  const refusal = stream === undefined ? unknownType : schemaRefusal(event, stream);
  if (stream !== undefined && refusal === null)
    return { goes: "on", countedAs, deliverable: { event, stream } };
  const why = refusal ?? unknownType;
  const onInvalid = (stream ?? quarantine)?.onInvalid;
  if (quarantine === undefined || onInvalid !== "quarantine")
    return { goes: "back", countedAs, refusal: why };
  const waits = drainRefusal(quarantine);
  if (waits !== null) return { goes: "back", countedAs, refusal: waits };
  const wrapped = quarantineEventOf(event, why, position, stream?.schemaVersion ?? 0);
  return {
    goes: "to_quarantine",
    countedAs,
    refusal: why,
    deliverable: { event: wrapped, stream: quarantine },
  };
}

function outOfScope(scope: string): EventRefusal {
  const code = scope.startsWith("write:") ? "forbidden_type" : "forbidden_source";
  const what = code === "forbidden_type" ? "type" : "source";
  return { code, detail: `the key may not write this ${what}; it needs this scope`, scope };
}

const unknownType: EventRefusal = {
  code: "unknown_type",
  detail: "no stream is registered for this type; PUT /v1/streams/<type> first",
};
