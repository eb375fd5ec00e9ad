/** Which parts of a manifest `pull` takes, and whether the manifest can be followed at all. */
import { type Manifest, type Part, bucketPrefix } from "../manifest.ts";
import { type Result, no, ok } from "../refusal.ts";
import { addTallies, sameTally } from "../tally.ts";

/** A format by its name; `best`: the first of `preferred` that the hour has; `all`: every one that it has. */
export type WantedFormat = "best" | "all" | (string & {});

/** Columnar before rows: what reads both reads the first faster. */
const preferred = ["parquet", "ndjson.gz"];

/** The formats of a bucket that has rows; each holds all of them. */
export function formatsOf(manifest: Manifest): string[] {
  return [...new Set<string>(manifest.parts.map(({ format }) => format))].toSorted();
}

export type SelectFault =
  | { readonly fault: "no_such_format"; readonly detail: string }
  | { readonly fault: "corrupt_manifest"; readonly detail: string };

/**
 * The parts of the wanted format, checked: they lie under the bucket's own prefix, so that no manifest writes elsewhere,
 * and each format by itself adds up to the bucket's rows and identity sum.
 */
export function selectParts(manifest: Manifest, wanted: WantedFormat): Result<readonly Part[], SelectFault> {
  const formats = formatsOf(manifest);
  const chosen =
    wanted === "all"
      ? formats
      : [wanted === "best" ? (preferred.find((format) => formats.includes(format)) ?? formats[0]) : wanted];
  const parts = manifest.parts.filter(({ format }) => chosen.includes(format));
  if (manifest.rows > 0 && parts.length === 0) {
    const detail = `the hour has no ${chosen[0] ?? "parts"}; it has ${formats.join(" and ") || "nothing"}`;
    return no({ fault: "no_such_format", detail });
  }
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
      const detail = `its parts of ${String(format)} hold ${held.rows} rows; the manifest says ${manifest.rows}, or another identity sum`;
      return no({ fault: "corrupt_manifest", detail });
    }
  }
  return ok(parts);
}

/** True if the key is the prefix and a plain file name. */
function isNameUnder(prefix: string, key: string): boolean {
  return key.startsWith(prefix) && /^part-[\w.-]+$/.test(key.slice(prefix.length));
}
