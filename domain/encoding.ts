/**
 * The formats in which rows lie in R2. A bucket's plan fixes which ones its parts have; each of them holds all rows.
 */
import * as z from "zod";

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
  .transform((formats): Format[] => inOrder(formats));

/** The formats in the order in which they are listed above. */
export function inOrder(formats: readonly Format[]): Format[] {
  return Format.options.filter((format) => formats.includes(format));
}
