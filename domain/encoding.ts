/**
 * The formats in which rows lie in R2. A bucket's plan fixes which ones its parts have; each of them holds all rows.
 */
import * as z from "zod";
import { broken } from "./invariant.ts";

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

/** Encoders by number. A part is frozen with its own, so that a later one repeats what an earlier one began. */
const encoders: Readonly<Record<Format, number>> = { "ndjson.gz": 1, parquet: 2 };

/** The encoder of today for a format. */
export function encoderOf(format: Format): number {
  return encoders[format];
}

/** The format that an encoder writes. */
export function formatOf(encoder: number): Format {
  return Format.options.find((format) => encoders[format] === encoder) ?? broken(`no encoder ${encoder}`);
}
