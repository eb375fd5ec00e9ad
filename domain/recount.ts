/**
 * The recount of one part: what its rows hold, recomputed from the rows' own columns and from nothing else.
 * The auditor and the `verify` command both count with it, and compare with what the manifest says.
 *
 * A row is one line: `{"received_at":"<RFC 3339>","home_hour":"2026-11-23T10","event":{…the event as posted…}}`, or in a
 * Parquet part the values of its columns.
 * It shares the fingerprint and the parsers with the edge that wrote the rows: a fault in those stays invisible here.
 */
import * as z from "zod";
import { parseTimestamp } from "./event/timestamp.ts";
import { utf8Length } from "./event/utf8.ts";
import { type Identity, fingerprintOf } from "./fingerprint.ts";
import { type Hour, HourText, hourNumber } from "./hour.ts";
import type { PartContent } from "./manifest.ts";
import { msOfMicros } from "./parquet/micros.ts";
import { ContentCounter } from "./part-content.ts";

/** What a row holds, as far as it is counted; what else an event has is its own. */
const PartRow = z.strictObject({
  received_at: z.string().refine((text) => parseTimestamp(text) !== null, "not an RFC 3339 time"),
  home_hour: HourText,
  /** True if nobody could say any more whether the event was delivered before. */
  unguarded: z.literal(true).optional(),
  /** Of the schema that its data was held against; left out if there was none. */
  schema_version: z.number().int().min(1).optional(),
  event: z.looseObject({
    type: z.string(),
    source: z.string(),
    id: z.string(),
    time: z.string().nullish(),
  }),
});

/** The columns of a Parquet part that are counted. */
const ColumnsRow = z.object({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: z.bigint().nullable(),
  received_at: z.bigint(),
  home_hour: HourText,
  schema_version: z.number().int().min(1).nullable(),
});
export const countedColumns: readonly string[] = Object.keys(ColumnsRow.shape);

/** Remembers identities; `domain/identity-set.ts` is one. */
export interface Identities {
  /** True if the fingerprint was not there yet. */
  add(fingerprint: Uint8Array): boolean;
}

export interface Recount {
  readonly content: PartContent;
  /** Lines that are no row of this stream. */
  readonly badRows: number;
  /** Rows whose identity came before. */
  readonly repeatedRows: number;
  /** The first few of both, to name them. */
  readonly faults: readonly { readonly row: number; readonly detail: string }[];
}

/** Faults named per part; the rest is only counted. */
const faultsNamedMax = 5;

/** Takes the text of one part in chunks of any size, or the rows of a Parquet part; call `finish` once. */
export class PartRecount {
  readonly #type: string;
  readonly #identities: Identities;
  readonly #counter = new ContentCounter();
  readonly #faults: { row: number; detail: string }[] = [];
  #rest = "";
  #lines = 0;
  #badRows = 0;
  #repeatedRows = 0;

  /** `identities` holds those of the parts before; give one set to all parts of a bucket. */
  constructor(type: string, identities: Identities) {
    this.#type = type;
    this.#identities = identities;
  }

  addText(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#addLine(line);
  }

  /** A row of a Parquet part: its `countedColumns`. */
  addColumns(columns: Readonly<Record<string, unknown>>): void {
    this.#lines++;
    const row = ColumnsRow.safeParse(columns);
    if (!row.success) {
      this.#bad(this.#lines, z.prettifyError(row.error).replaceAll("\n", " "));
      return;
    }
    const { time, home_hour: homeHour, schema_version: schemaVersion, ...identity } = row.data;
    const timeMs = time === null ? Number.NaN : msOfMicros(time);
    this.#count(identity, homeHour, timeMs, 0, schemaVersion ?? 0);
  }

  finish(): Recount {
    if (this.#rest !== "") this.#bad(++this.#lines, "the last row does not end in a line break");
    this.#rest = "";
    return {
      content: this.#counter.content(),
      badRows: this.#badRows,
      repeatedRows: this.#repeatedRows,
      faults: this.#faults,
    };
  }

  #addLine(line: string): void {
    this.#lines++;
    const row = PartRow.safeParse(parsed(line));
    if (!row.success) {
      this.#bad(this.#lines, z.prettifyError(row.error).replaceAll("\n", " "));
      return;
    }
    const { event, home_hour: homeHour, schema_version: schemaVersion = 0 } = row.data;
    const timeMs = typeof event.time === "string" ? parseTimestamp(event.time) : null;
    if (typeof event.time === "string" && timeMs === null) {
      this.#bad(this.#lines, "the event's time is not an RFC 3339 time");
      return;
    }
    this.#count(event, homeHour, timeMs ?? Number.NaN, utf8Length(line) + 1, schemaVersion);
  }

  #count(event: Identity, homeHour: Hour, timeMs: number, lineBytes: number, schemaVersion: number): void {
    if (event.type !== this.#type) {
      this.#bad(this.#lines, `the event is of type ${JSON.stringify(event.type)}`);
      return;
    }
    const fingerprint = fingerprintOf(event);
    if (!this.#identities.add(fingerprint)) {
      this.#repeatedRows++;
      this.#name(this.#lines, "the event's identity came before");
    }
    this.#counter.add(fingerprint, 0, hourNumber(homeHour), timeMs, lineBytes, schemaVersion);
  }

  #bad(row: number, detail: string): void {
    this.#badRows++;
    this.#name(row, detail);
  }

  #name(row: number, detail: string): void {
    if (this.#faults.length < faultsNamedMax) this.#faults.push({ row, detail });
  }
}

/** `undefined` if the text is not JSON; no JSON text has that value. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
