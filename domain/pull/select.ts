/** Which parts of a manifest `pull` takes, and whether the manifest can be followed at all. */
import * as z from "zod";
import { Format } from "../encoding.ts";
import { type Manifest, type Part, bucketPrefix, formatsOf } from "../manifest.ts";
import { type Result, no, ok } from "../refusal.ts";
import { addTallies, sameTally } from "../tally.ts";

/** `best`: the first of `preferred` that the hour has; `all`: every one that it has. */
export const WantedFormat = z.enum(["best", "all", ...Format.options]);
export type WantedFormat = z.infer<typeof WantedFormat>;

/** Columnar before rows: what reads both reads the first faster. */
const preferred: readonly Format[] = ["parquet", "ndjson.gz"];

export type SelectFault =
  | { readonly fault: "no_such_format"; readonly detail: string }
  | { readonly fault: "corrupt_manifest"; readonly detail: string };

/**
 * The parts of the wanted format, checked: they lie under the bucket's own prefix, so that no manifest writes elsewhere,
 * and each format by itself adds up to the bucket's rows and identity sum.
 */
export function selectParts(manifest: Manifest, wanted: WantedFormat): Result<readonly Part[], SelectFault> {
  const formats = formatsOf(manifest);
  const chosen = chosenOf(formats, wanted);
  const missing = chosen.find((format) => !formats.includes(format));
  if (manifest.rows > 0 && missing !== undefined) {
    return no({
      fault: "no_such_format",
      detail: `the hour has no ${missing}; it has ${formats.join(" and ")}`,
    });
  }
  const parts = manifest.parts.filter(({ format }) => chosen.includes(format));
  const prefix = bucketPrefix(manifest);
  const outside = parts.find(({ key }) => !isNameUnder(prefix, key));
  if (outside !== undefined) {
    return no({
      fault: "corrupt_manifest",
      detail: `it lists ${outside.key}, which is not directly under ${prefix}`,
    });
  }
  for (const format of chosen) {
    const held = addTallies(parts.filter((part) => part.format === format).map(({ tally }) => tally));
    if (!sameTally(held, { rows: manifest.rows, sum: manifest.identitySum })) {
      const detail = `its parts of ${format} hold ${held.rows} rows; the manifest says ${manifest.rows}, or another identity sum`;
      return no({ fault: "corrupt_manifest", detail });
    }
  }
  return ok(parts);
}

function chosenOf(formats: readonly Format[], wanted: WantedFormat): readonly Format[] {
  switch (wanted) {
    case "all":
      return formats;
    case "best":
      return preferred.filter((format) => formats.includes(format)).slice(0, 1);
    case "ndjson.gz":
    case "parquet":
      return [wanted];
  }
}

/** True if the key is the prefix and a plain file name. */
function isNameUnder(prefix: string, key: string): boolean {
  return key.startsWith(prefix) && /^part-[\w.-]+$/.test(key.slice(prefix.length));
}
