/** Sealed buckets made by hand, as objects in memory: what verify reads, without the system that writes it. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Format } from "../../domain/encoding.ts";
import { IdentitySum, fingerprintOf } from "../../domain/fingerprint.ts";
import { type Hour, parseHour } from "../../domain/hour.ts";
import { ShardIndex } from "../../domain/ids.ts";
import {
  type Part,
  manifestKey,
  manifestOf,
  manifestText,
  partKey,
  successKey,
} from "../../domain/manifest.ts";
import { linesOf } from "../../domain/parquet/writer.ts";
import { TypeName } from "../../domain/stream.ts";
import { addTallies, zeroTally } from "../../domain/tally.ts";
import type { ObjectSource } from "../../scripts/verify/objects.ts";
import { plan } from "../domain/make.ts";
import { parquetOf } from "../domain/parquet/make.ts";

export type Objects = Map<string, Uint8Array<ArrayBuffer>>;

export function sourceOf(objects: Objects): ObjectSource {
  return {
    name: "memory",
    async *list(prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    },
    get: (key) => Promise.resolve(objects.get(key) ?? null),
    close: () => Promise.resolve(),
  };
}

export function rowLine(type: string, id: string, hour: string): string {
  const event = { specversion: "1.0", id, source: "s", type, time: `${hour}:30:00Z`, data: { n: id } };
  return `${JSON.stringify({ received_at: `${hour}:30:00.000Z`, home_hour: hour, event })}\n`;
}

/** Adds a bucket whose shards wrote one part each, with these ids; answers the parts' keys. */
export function addBucket(
  objects: Objects,
  type: string,
  hourText: string,
  idsOfParts: readonly (readonly string[])[],
  formats: readonly Format[] = ["ndjson.gz"],
): string[] {
  const address = { type: TypeName.parse(type), hour: hourOf(hourText) };
  const partOf = (ids: readonly string[], index: number, format: Format): Part => {
    const origin = ShardIndex.parse(index);
    const plain = Buffer.from(ids.map((id) => rowLine(type, id, hourText)).join(""));
    const bytes =
      format === "parquet" ? parquetOf(linesOf(plain.toString())) : new Uint8Array(gzipSync(plain));
    const sum = new IdentitySum();
    for (const id of ids) sum.addFingerprint(fingerprintOf({ type, source: "s", id }));
    const key = partKey(address, origin, 1, format);
    objects.set(key, bytes);
    return {
      key,
      format,
      origin,
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      tally: { rows: ids.length, sum: sum.hex() },
      plainBytes: plain.length,
      homeHours: { [hourText]: ids.length },
      minTime: `${hourText}:30:00.000Z`,
      maxTime: `${hourText}:30:00.000Z`,
    };
  };
  const parts = formats.flatMap((format) => idsOfParts.map((ids, index) => partOf(ids, index, format)));
  const shards = parts.slice(0, idsOfParts.length).map((part, index) => {
    const tally = addTallies([part.tally]);
    return {
      index: ShardIndex.parse(index),
      hour: address.hour,
      accepted: tally,
      reassignedIn: [],
      delivered: tally,
      denied: zeroTally,
      reassignedOut: [],
      unguarded: 0,
      duplicates: 0,
    };
  });
  const manifest = manifestOf({
    address,
    sealedAt: `${hourText}:59:59.000Z`,
    plan: { ...plan, formats: [...formats] },
    parts,
    shards,
    strays: [],
  });
  objects.set(manifestKey(address), new TextEncoder().encode(manifestText(manifest)));
  objects.set(successKey(address), new TextEncoder().encode("\n"));
  return parts.map((part) => part.key);
}

function hourOf(text: string): Hour {
  const hour = parseHour(text);
  if (hour === null) throw new Error(`not an hour: ${text}`);
  return hour;
}
