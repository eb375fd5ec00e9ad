/**
 * The formats in which rows lie in R2. A bucket's plan fixes which ones its parts have; each of them holds all rows.
 */
import * as z from "zod";
import { broken } from "./invariant.ts";
import { rowGroupBytes } from "./limits.ts";

/** A format by the ending of its parts' names. */
export const Format = z.enum(["ndjson.gz", "parquet"]);
export type Format = z.infer<typeof Format>;

/** What a stream has that asks for nothing else, and what a plan says that was fixed before there was a choice. */
export const defaultFormats: readonly Format[] = ["ndjson.gz"];

/** At least one format, none twice; in one order, so that equal choices are written alike. */
export const Formats = z
  .array(Format)
  .min(1)
  .refine((formats) => new Set(formats).size === formats.length, "names a format twice")
  .transform((formats): Format[] => Format.options.filter((format) => formats.includes(format)))
  .meta({ uniqueItems: true });

/** How one encoder writes parts. */
export interface Encoding {
  readonly format: Format;
  /** Bytes of rows, about, in one row group of a Parquet part; of lines it says nothing. */
  readonly rowGroupBytes: number;
}

/** Row groups of the first encoder of columns. */
const firstRowGroupBytes = 8 * 1024 * 1024;

/** Encoders by number. A part is frozen with its own, so that a later one repeats what an earlier one began. */
const encodings: ReadonlyMap<number, Encoding> = new Map([
  [1, { format: "ndjson.gz", rowGroupBytes }],
  [2, { format: "parquet", rowGroupBytes: firstRowGroupBytes }],
  [3, { format: "parquet", rowGroupBytes }],
]);

const todays: Readonly<Record<Format, number>> = { "ndjson.gz": 1, parquet: 3 };

/** The encoder of today for a format. */
export function encoderOf(format: Format): number {
  return todays[format];
}

/** How an encoder writes, one of an earlier day too. */
export function encodingOf(encoder: number): Encoding {
  return encodings.get(encoder) ?? broken(`no encoder ${encoder}`);
}

/** The format that an encoder writes. */
export function formatOf(encoder: number): Format {
  return encodingOf(encoder).format;
}
