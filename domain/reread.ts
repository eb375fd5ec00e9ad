/**
 * Comparing what a manifest says with what was read back from R2: findings at the hops `parts`, `listing` and `reread`.
 * No finding means that every object that the manifest lists is there, with its bytes, and nothing else is.
 */
import { abandonedLine } from "./abandon.ts";
import { holderName } from "./ids.ts";
import {
  type Manifest,
  type Part,
  bucketPrefix,
  manifestFault,
  manifestKey,
  oneCopy,
  successKey,
} from "./manifest.ts";
import type { Recount } from "./recount.ts";
import { type Tally, addTallies, sameTally } from "./tally.ts";
import type { Finding } from "./verdict.ts";

/** What was read of one part. */
export interface PartReading {
  /** Of the object's bytes; null if there is no such object. */
  readonly object: { readonly bytes: number; readonly sha256: string } | null;
  /** Null if the bytes could not be decoded into rows; `undecodable` then says why. */
  readonly recount: Recount | null;
  readonly undecodable: string | null;
}

/**
 * Whether bytes with this digest are to be decoded. Of changed lines it is told which rows they still hold; changed bytes
 * of a binary format may send its reader anywhere, so they are only known to be others.
 */
export function mayDecode(part: Pick<Part, "format" | "sha256">, sha256: string): boolean {
  return part.format === "ndjson.gz" || sha256 === part.sha256;
}

export const notDecoded = "they are not the bytes that were sealed";

/** Does the manifest agree with itself, and with the prefix it lies under? */
export function manifestFindings(manifest: Manifest, prefix: string): Finding[] {
  const where = manifestKey(manifest);
  const findings: Finding[] = [];
  if (bucketPrefix(manifest) !== prefix) {
    findings.push(
      corrupt("manifest", `${prefix}_manifest.json`, `it says it is of ${bucketPrefix(manifest)}`),
    );
  }
  const fault = manifestFault(manifest);
  if (fault !== null) findings.push(corrupt("parts", where, fault));
  for (const shard of manifest.abandoned ?? []) {
    const detail = `${abandonedLine(shard)}; what it held is in no part`;
    const place = `shard ${holderName(shard)}`;
    findings.push({
      kind: "missing",
      hop: "shard",
      where: place,
      rows: 0,
      expected: null,
      found: null,
      detail,
    });
  }
  const says: Tally = { rows: manifest.rows, sum: manifest.identitySum };
  const held = addTallies(oneCopy(manifest).map((part) => part.tally));
  if (!sameTally(says, held)) {
    const detail = `it says ${says.rows} rows and sum ${says.sum}, and its parts add up to ${held.rows} and ${held.sum}`;
    findings.push({ ...corrupt("parts", where, detail), expected: held, found: says });
  }
  const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes !== manifest.bytes) {
    findings.push(
      corrupt("parts", where, `it says ${manifest.bytes} bytes, and its parts add up to ${bytes}`),
    );
  }
  return findings;
}

/** Are the objects under the prefix those of the manifest? A missing part is a finding of its re-read. */
export function listingFindings(manifest: Manifest, keys: Iterable<string>): Finding[] {
  const found = new Set(keys);
  const expected = new Set([manifestKey(manifest), successKey(manifest), ...manifest.strays]);
  for (const part of manifest.parts) expected.add(part.key);
  const findings = [...found]
    .filter((key) => !expected.has(key))
    .map((key): Finding => finding("surplus", "listing", key, 0, "the manifest does not know this object"));
  if (!found.has(successKey(manifest))) {
    findings.push(finding("missing", "listing", successKey(manifest), 0, "the marker object is not there"));
  }
  return findings;
}

/** Is the part what the manifest says? */
export function partFindings(part: Part, reading: PartReading): Finding[] {
  const { object, recount } = reading;
  const { rows } = part.tally;
  if (object === null) {
    return [
      { ...finding("missing", "listing", part.key, rows, "the part is not there"), expected: part.tally },
    ];
  }
  const findings: Finding[] = [];
  if (object.sha256 !== part.sha256 || object.bytes !== part.bytes) {
    const detail = `${object.bytes} bytes with sha256 ${object.sha256}; the manifest says ${part.bytes} with ${part.sha256}`;
    findings.push(corrupt("reread", part.key, detail));
  }
  if (recount === null) {
    const detail = `its rows cannot be read: ${reading.undecodable ?? "unknown"}`;
    return [...findings, { ...finding("corrupt", "reread", part.key, rows, detail), expected: part.tally }];
  }
  const named = recount.faults.map(({ row, detail }) => `row ${row}: ${detail}`).join("; ");
  if (recount.badRows > 0) findings.push(finding("corrupt", "reread", part.key, recount.badRows, named));
  if (recount.repeatedRows > 0) {
    findings.push(finding("surplus", "reread", part.key, recount.repeatedRows, named));
  }
  return [...findings, ...tallyFindings(part, recount.content.tally), ...figureFindings(part, recount)];
}

function tallyFindings(part: Part, found: Tally): Finding[] {
  const expected = part.tally;
  if (sameTally(expected, found)) return [];
  const missing = expected.rows - found.rows;
  const kind = missing > 0 ? "missing" : missing < 0 ? "surplus" : "corrupt";
  const detail =
    missing === 0
      ? `${found.rows} rows of other identities than the manifest's`
      : `${found.rows} rows; the manifest says ${expected.rows}`;
  return [{ kind, hop: "reread", where: part.key, rows: Math.abs(missing), expected, found, detail }];
}

/** The figures beside the tally. They cannot hide a row, so they are only looked at when the tally is right. */
function figureFindings(part: Part, { content }: Recount): Finding[] {
  if (!sameTally(part.tally, content.tally)) return [];
  // How long the lines were cannot be told from columns.
  const figures = part.format === "parquet" ? ([] as const) : (["plainBytes"] as const);
  const wrong = ([...figures, "minTime", "maxTime"] as const)
    .filter((name) => part[name] !== content[name])
    .map((name) => `${name} is ${content[name]} and the manifest says ${part[name]}`);
  const hours = new Set([...Object.keys(part.homeHours), ...Object.keys(content.homeHours)]);
  for (const hour of hours) {
    const [says, is] = [part.homeHours[hour] ?? 0, content.homeHours[hour] ?? 0];
    if (says !== is) wrong.push(`${is} rows have home hour ${hour} and the manifest says ${says}`);
  }
  const versions = new Set([
    ...Object.keys(part.schemaVersions ?? {}),
    ...Object.keys(content.schemaVersions ?? {}),
  ]);
  for (const version of versions) {
    const [says, is] = [part.schemaVersions?.[version] ?? 0, content.schemaVersions?.[version] ?? 0];
    if (says !== is) wrong.push(`${is} rows have schema version ${version} and the manifest says ${says}`);
  }
  return wrong.length === 0 ? [] : [corrupt("reread", part.key, wrong.join("; "))];
}

function corrupt(hop: Finding["hop"], where: string, detail: string): Finding {
  return finding("corrupt", hop, where, 0, detail);
}

function finding(
  kind: Finding["kind"],
  hop: Finding["hop"],
  where: string,
  rows: number,
  detail: string,
): Finding {
  return { kind, hop, where, rows, expected: null, found: null, detail };
}
