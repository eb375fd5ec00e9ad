/**
 * One sealed hour, from its manifest to its mark.
 *
 *   1. check the manifest: the sha256 that the catalog has of it, its form, its sums, where its parts lie
 *   2. look at every part; if one is missing or damaged, take `_SUCCESS` away
 *   3. bring what is missing (`part.ts`)
 *   4. write `_manifest.json`, then `_SUCCESS`
 *
 * Safe to stop after each: `_SUCCESS` stands only while every part of the wanted format is there and checked. A folder
 * without it is gone through again, and what it has is kept.
 */
import { Manifest, type Part, bucketPrefix } from "../../domain/manifest.ts";
import type { ListedBucket } from "../../domain/pull/hours.ts";
import type { HourOutcome } from "../../domain/pull/outcome.ts";
import { type WantedFormat, selectParts } from "../../domain/pull/select.ts";
import { manifestFindings } from "../../domain/reread.ts";
import { findingLine } from "../verify/report.ts";
import { sha256Of } from "../verify/sha256.ts";
import type { Gate } from "./gate.ts";
import { type PartContext, bringPart, isThere } from "./part.ts";

export interface HourContext extends PartContext {
  readonly format: WantedFormat;
  readonly gate: Gate;
}

export async function bringHour(
  bytes: Uint8Array,
  listed: Pick<ListedBucket, "verdict" | "manifestSha256">,
  context: HourContext,
): Promise<HourOutcome> {
  const { folder, gate, bucket } = context;
  const manifest = checkManifest(bytes, listed.manifestSha256, context);
  if (!manifest.ok) return faulty(manifest.reason);
  const selected = selectParts(manifest.value, context.format);
  if (!selected.ok) {
    const { fault, detail } = selected.reason;
    return fault === "no_such_format"
      ? { outcome: "no_such_format", detail }
      : faulty([`${bucketPrefix(bucket)}_manifest.json: ${detail}`]);
  }
  const parts = selected.value;
  const wasComplete = await folder.isComplete();
  await folder.make();
  const strangers = await folder.strangers(manifest.value.parts);
  const missing: Part[] = [];
  for (const part of parts) if (!(await gate.run(() => isThere(part, context)))) missing.push(part);
  if (missing.length > 0 || strangers.length > 0) await folder.unmark();
  if (strangers.length > 0) return faulty(strangers.map((name) => strangerLine(folder.path, name)));
  if (missing.length > 0 && listed.verdict === "expired") return expired(wasComplete, missing);
  context.progress.expect(missing);
  const results = await Promise.all(missing.map((part) => gate.run(() => bringPart(part, context))));
  if (results.some(({ part }) => part === "expired")) return expired(wasComplete, missing);
  const details = results.flatMap((result) => (result.part === "corrupt" ? result.details : []));
  if (details.length > 0) return faulty(details);
  const fresh = missing.length > 0 || !(await isMarked(bytes, context));
  if (fresh) await folder.complete(bytes);
  return {
    outcome: "there",
    rows: manifest.value.rows,
    parts: parts.length,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    fresh,
    // It was balanced when it expired, and what is here was checked.
    verdict: listed.verdict === "expired" ? "balanced" : listed.verdict,
  };
}

async function isMarked(bytes: Uint8Array, { folder }: HourContext): Promise<boolean> {
  const local = await folder.manifest();
  return local !== null && sha256Of(local) === sha256Of(bytes) && (await folder.isComplete());
}

type Checked =
  { readonly ok: true; readonly value: Manifest } | { readonly ok: false; readonly reason: string[] };

function checkManifest(bytes: Uint8Array, sha256: string | null, { bucket }: HourContext): Checked {
  const prefix = bucketPrefix(bucket);
  const key = `${prefix}_manifest.json`;
  const found = sha256Of(bytes);
  if (sha256 !== null && found !== sha256) {
    return { ok: false, reason: [`${key}: its sha256 is ${found}; ${sha256} was sealed`] };
  }
  const manifest = Manifest.safeParse(jsonOf(bytes));
  if (!manifest.success) return { ok: false, reason: [`${key}: it is no manifest of a format known here`] };
  const findings = manifestFindings(manifest.data, prefix);
  return findings.length === 0
    ? { ok: true, value: manifest.data }
    : { ok: false, reason: findings.map(findingLine) };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A folder that had the hour and has lost some of it is at fault: nobody can bring that back. */
function expired(wasComplete: boolean, missing: readonly Part[]): HourOutcome {
  return wasComplete
    ? faulty(missing.map(({ key }) => `${key}: the local copy is damaged or gone, and the hour has expired`))
    : { outcome: "expired" };
}

function faulty(details: readonly string[]): HourOutcome {
  return { outcome: "faulty", details };
}

function strangerLine(folder: string, name: string): string {
  return `${folder}${name}: the manifest does not list this file; move it away`;
}
