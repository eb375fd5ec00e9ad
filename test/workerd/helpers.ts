/** Values by their written forms, and sealed buckets made up: for tests of the catalog and the ops routes. */
import type * as z from "zod";
import { type EpochMs, type Hour, epochMs, parseHour } from "../../domain/hour.ts";
import { type BucketAddress, type EventType, IdentitySumHex } from "../../domain/ids.ts";
import type { SealedSummary } from "../../domain/messages.ts";
import { StreamSettings, TypeName } from "../../domain/stream.ts";
import type { Finding } from "../../domain/verdict.ts";

export function at(text: string): EpochMs {
  return epochMs(Date.parse(text));
}

export function hour(text: string): Hour {
  const parsed = parseHour(text);
  if (parsed === null) throw new Error(`not an hour: ${text}`);
  return parsed;
}

export function type(text: string): EventType {
  return TypeName.parse(text);
}

export function settings(given: z.input<typeof StreamSettings> = {}): StreamSettings {
  return StreamSettings.parse(given);
}

export function bucket(typeText: string, hourText: string): BucketAddress {
  return { type: type(typeText), hour: hour(hourText) };
}

/** A seal whose manifest digest consists of `digit`. */
export function sealed(sealedAt: string, digit = "a", rows = 3): SealedSummary {
  return {
    sealedAtMs: at(sealedAt),
    manifestSha256: digit.repeat(64),
    tally: { rows, sum: IdentitySumHex.parse("00000000000000ff") },
    bytes: 100,
  };
}

export function finding(kind: Finding["kind"], detail = "a test says so"): Finding {
  return { kind, hop: "reread", where: "part-0-0", rows: 1, expected: null, found: null, detail };
}

/** The same binding with some of its methods replaced; a stand-in need not have all overloads. */
export function overriding<Binding extends object>(
  binding: Binding,
  methods: { readonly [Name in keyof Binding]?: unknown },
): Binding {
  return new Proxy(binding, {
    get(target, name): unknown {
      if (name in methods) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function"
        ? (...given: unknown[]): unknown => Reflect.apply(value, target, given)
        : value;
    },
  });
}
