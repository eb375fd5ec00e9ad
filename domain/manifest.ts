/**
 * The manifest: the list of a bucket's parts, written last and once. Readers take parts from it and from nowhere else.
 * Its bytes are frozen in the bucket before they are put, so whoever writes it writes the same bytes.
 */
import * as z from "zod";
import { Abandoned } from "./abandon.ts";
import { Format, defaultFormats } from "./encoding.ts";
import { HourText, type Hour } from "./hour.ts";
import { type BucketAddress, EventType, ShardIndex, compareHolders } from "./ids.ts";
import { Plan } from "./plan.ts";
import { encodeSegment } from "./segment.ts";
import { Tally, addTallies, sameTally, zeroTally } from "./tally.ts";

export const manifestFormat = 1;

/** Which shard wrote a part, with its hour if it moved here from another one; `merged`: the bucket, from the tails that small shards handed over with their receipts. */
export const PartOrigin = z.union([
  ShardIndex,
  z.literal("merged"),
  z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}\.\d{1,6}$/),
]);
export type PartOrigin = z.infer<typeof PartOrigin>;

/** What is in a part, apart from where it lies. */
export const PartContent = z.strictObject({
  tally: Tally,
  /** Bytes of the rows as lines of text, before any encoding. */
  plainBytes: z.number().int().min(0),
  /** Rows by home hour. */
  homeHours: z.record(z.string(), z.number().int().min(1)),
  /** Earliest and latest event time, RFC 3339; null if every row is undated. */
  minTime: z.string().nullable(),
  maxTime: z.string().nullable(),
  /** Rows by the version of the schema that they were checked by; left out if none was. */
  schemaVersions: z.record(z.string().regex(/^[1-9]\d*$/), z.number().int().min(1)).optional(),
});
export type PartContent = z.infer<typeof PartContent>;

export const Part = PartContent.extend({
  key: z.string().min(1),
  format: Format,
  origin: PartOrigin,
  /** Bytes of the object in R2. */
  bytes: z.number().int().min(1),
  /** Of the object's bytes, 64 lower-case hex characters. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Part = z.infer<typeof Part>;

/** Rows that a shard took over to another bucket of its stream. */
export const Move = z.strictObject({ hour: HourText, tally: Tally });
export type Move = z.infer<typeof Move>;

/** Moves added up by hour, in the order of the hours. */
export function addMoves(moves: readonly Move[]): Move[] {
  return [...Map.groupBy(moves, ({ hour }) => hour)]
    .map(([hour, of]) => ({ hour, tally: addTallies(of.map(({ tally }) => tally)) }))
    .toSorted((a, b) => (a.hour < b.hour ? -1 : 1));
}

/** What one shard counted for this bucket, as its receipt said. */
export const ShardCounters = z.strictObject({
  index: ShardIndex,
  /** The shard's own hour; this bucket's, unless its rows moved here. */
  hour: HourText,
  accepted: Tally,
  /** Rows that it brought from earlier buckets, by their hours. */
  reassignedIn: z.array(Move),
  delivered: Tally,
  /** Foreign rows whose identity another holder has: duplicates, found by their claim. */
  denied: Tally,
  /** Rows whose claims were not resolved in time, by the hours of the buckets that they moved to. */
  reassignedOut: z.array(Move),
  /** Delivered rows whose home has forgotten its identities; they are marked `unguarded`. */
  unguarded: z.number().int().min(0),
  /** Events answered `duplicate`. At least: those answered since the last commit before a restart are not in it. */
  duplicates: z.number().int().min(0),
});
export type ShardCounters = z.infer<typeof ShardCounters>;

export const Manifest = z.strictObject({
  format: z.literal(manifestFormat),
  type: EventType,
  hour: HourText,
  sealedAt: z.string(),
  /** Null for an hour in which nothing came: the bucket never opened. */
  plan: Plan.nullable(),
  rows: z.number().int().min(0),
  bytes: z.number().int().min(0),
  identitySum: Tally.shape.sum,
  schemaVersion: z.string().nullable(),
  parts: z.array(Part),
  shards: z.array(ShardCounters),
  /** Objects under the prefix that a crash left behind and that hold no row of this bucket's list. */
  strays: z.array(z.string()),
  /** Shards that an operator gave up: what they held is not here. Left out if there is none. */
  abandoned: z.array(Abandoned).min(1).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** The manifest of these parts and receipts. Order is fixed here, so that equal input gives equal bytes. */
export function manifestOf(input: {
  readonly address: BucketAddress;
  readonly sealedAt: string;
  readonly plan: Plan | null;
  readonly parts: readonly Part[];
  readonly shards: readonly ShardCounters[];
  readonly strays: readonly string[];
  readonly abandoned?: readonly Abandoned[];
}): Manifest {
  const { abandoned = [] } = input;
  const parts = input.parts.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const total = addTallies(oneCopy({ plan: input.plan, parts }).map((part) => part.tally));
  return {
    format: manifestFormat,
    type: input.address.type,
    hour: input.address.hour,
    sealedAt: input.sealedAt,
    plan: input.plan,
    rows: total.rows,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    identitySum: total.sum,
    schemaVersion: newestSchema(parts),
    parts,
    shards: input.shards.toSorted((a, b) =>
      a.hour === b.hour ? a.index - b.index : a.hour < b.hour ? -1 : 1,
    ),
    strays: input.strays.toSorted(),
    ...(abandoned.length === 0 ? {} : { abandoned: abandoned.toSorted(compareHolders) }),
  };
}

/** The newest version that rows were checked by: older rows fit it too, for a schema is only ever loosened. */
function newestSchema(parts: readonly Part[]): string | null {
  const versions = parts.flatMap(({ schemaVersions = {} }) => Object.keys(schemaVersions).map(Number));
  return versions.length === 0 ? null : String(Math.max(...versions));
}

/** The formats in which the bucket's rows lie. */
export function formatsOf({ plan }: Pick<Manifest, "plan">): readonly Format[] {
  return plan?.formats ?? defaultFormats;
}

/** The parts of one format: every row, once. */
export function oneCopy(manifest: Pick<Manifest, "plan" | "parts">): Part[] {
  const [format] = formatsOf(manifest);
  return manifest.parts.filter((part) => part.format === format);
}

/** accepted + reassigned in = delivered + denied + reassigned out: nothing is held at the seal. */
export function countersFault(shard: ShardCounters): string | null {
  const { accepted, reassignedIn, delivered, denied, reassignedOut } = shard;
  const came = addTallies([accepted, ...reassignedIn.map(({ tally }) => tally)]);
  const went = addTallies([delivered, denied, ...reassignedOut.map(({ tally }) => tally)]);
  if (sameTally(came, went)) return null;
  return `shard ${shard.hour}/${shard.index} took ${came.rows} rows and let ${went.rows} go`;
}

/** The bytes of a manifest as text: two-space JSON and a final newline, readable with `less`. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * What is wrong with parts that, with the rows that are in none of them yet, are to hold these rows in each of these
 * formats, and in no other; null: nothing.
 */
export function formatsFault(
  parts: readonly Pick<Part, "format" | "tally">[],
  formats: readonly Format[],
  rows: Tally,
  tail: Tally = zeroTally,
): string | null {
  for (const format of formats) {
    const of = parts.filter((part) => part.format === format).map(({ tally }) => tally);
    const held = addTallies([...of, tail]);
    if (!sameTally(rows, held)) return `parts of ${format} hold ${held.rows}`;
  }
  const other = parts.find(({ format }) => !formats.includes(format));
  return other === undefined ? null : `parts include one of ${other.format}, which nobody asked for`;
}

/**
 * The rule a manifest must satisfy before it is created: what the shards accepted is what they delivered, and what they
 * delivered is what the parts of each format hold. Null if it does, else the sentence that says what does not.
 */
export function manifestFault(manifest: Manifest): string | null {
  for (const shard of manifest.shards) {
    const fault = countersFault(shard);
    if (fault !== null) return fault;
  }
  const delivered = addTallies(manifest.shards.map((shard) => shard.delivered));
  const fault = formatsFault(manifest.parts, formatsOf(manifest), delivered);
  if (fault !== null) return `shards delivered ${delivered.rows} rows and ${fault}`;
  if (new Set(manifest.parts.map((part) => part.key)).size !== manifest.parts.length)
    return "a part is listed twice";
  return null;
}

// ── Keys in R2 ─────────────────────────────────────────────────────────────────────────────────────────────

/** Hive-partitioned prefix of a bucket, ending in `/`. The type is percent-encoded; `.` alone would be a path step. */
export function bucketPrefix({ type, hour }: { readonly type: string; readonly hour: Hour }): string {
  return `events/type=${encodeSegment(type)}/date=${hour.slice(0, 10)}/hour=${hour.slice(11)}/`;
}

export function manifestKey(address: BucketAddress): string {
  return `${bucketPrefix(address)}_manifest.json`;
}

export function successKey(address: BucketAddress): string {
  return `${bucketPrefix(address)}_SUCCESS`;
}

/** The key of part `no` of an origin. A retry computes the same key; only a stray moves on to the next number. */
export function partKey(address: BucketAddress, origin: PartOrigin, no: number, format: Format): string {
  return `${bucketPrefix(address)}part-${origin}-${no}.${format}`;
}
