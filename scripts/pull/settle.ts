/** One hour as far as it goes now: there, or why it is not. */
import { type Hour, plusHours } from "../../domain/hour.ts";
import type { ListedBucket } from "../../domain/pull/hours.ts";
import type { HourOutcome } from "../../domain/pull/outcome.ts";
import type { WantedFormat } from "../../domain/pull/select.ts";
import { verdictRefusal } from "../../domain/pull/verdict-step.ts";
import { sha256Of } from "../verify/sha256.ts";
import { Folder } from "./folder.ts";
import type { Gate } from "./gate.ts";
import { bringHour } from "./hour.ts";
import type { Progress } from "./progress.ts";
import type { BucketSource } from "./source.ts";

export interface SettleContext {
  readonly type: string;
  readonly destination: string;
  readonly format: WantedFormat;
  /** Hash finished files again, so that one that was damaged since is found. */
  readonly recheck: boolean;
  /** On `balanced`, and on nothing less. */
  readonly insist: boolean;
  readonly source: BucketSource;
  readonly progress: Progress;
  readonly gate: Gate;
}

export interface Settled {
  readonly result:
    | HourOutcome
    | { readonly outcome: "before_stream"; readonly firstHour: Hour }
    | { readonly outcome: "after_stream" };
  /** How long it still takes to be due, if it is not sealed. */
  readonly untilDueMs: number;
}

/** `bucket`: what a listing said of it; null if it was not listed. */
export async function settleHour(
  hour: Hour,
  bucket: ListedBucket | null,
  context: SettleContext,
): Promise<Settled> {
  const { type, destination, insist } = context;
  const folder = new Folder(destination, { type, hour });
  const manifest = await manifestOf(hour, bucket, folder, context);
  if (!(manifest instanceof Uint8Array)) return manifest;
  const listed = bucket ?? (await look(hour, context.source));
  const refusal = verdictRefusal(listed.verdict, insist);
  if (refusal !== null) return { result: refusal, untilDueMs: 0 };
  const result = await bringHour(manifest, listed, { ...context, folder, bucket: { type, hour } });
  return { result, untilDueMs: 0 };
}

/** The manifest: the folder's own, if it is the one that the catalog names; else the source's. */
async function manifestOf(
  hour: Hour,
  bucket: ListedBucket | null,
  folder: Folder,
  { source, gate }: SettleContext,
): Promise<Uint8Array | Settled> {
  if (bucket !== null && bucket.manifestSha256 !== null) {
    const local = await folder.manifest();
    if (local !== null && sha256Of(local) === bucket.manifestSha256) return local;
    if (bucket.verdict === "expired") return { result: { outcome: "expired" }, untilDueMs: 0 };
  }
  const found = await gate.run(() => source.manifest(hour));
  switch (found.found) {
    case "manifest":
      return found.bytes;
    case "before_stream":
      return { result: { outcome: "before_stream", firstHour: found.firstHour }, untilDueMs: 0 };
    case "after_stream":
      return { result: { outcome: "after_stream" }, untilDueMs: 0 };
    case "lost":
      return {
        result: { outcome: "faulty", details: [`the manifest of ${hour}: ${found.detail}`] },
        untilDueMs: 0,
      };
    case "not_sealed":
    case "overdue": {
      const { dueAt, detail, untilDueMs } = found;
      return { result: { outcome: found.found, dueAt, detail }, untilDueMs };
    }
  }
}

/** What the catalog knows of one hour; it may not know yet that it is sealed. */
async function look(hour: Hour, source: BucketSource): Promise<ListedBucket> {
  const [bucket] = await source.list({ from: hour, to: plusHours(hour, 1) });
  return bucket ?? { hour, sealed: true, verdict: null, manifestSha256: null };
}
