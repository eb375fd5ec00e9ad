/**
 * One part: decided, downloaded, checked, named.
 *
 *   1. look at what is there (`domain/pull/part-step.ts`)
 *   2. download what is missing into the unfinished file
 *   3. check it: bytes, sha256, every row, the rows' count and identity sum
 *   4. rename it
 *
 * Safe to stop after each: up to 4 the part has no name, and 1 finds what 2 left.
 */
import { readFile } from "node:fs/promises";
import { IdentitySet } from "../../domain/identity-set.ts";
import type { Hour } from "../../domain/hour.ts";
import type { Part } from "../../domain/manifest.ts";
import { afterCheck, localFault, partStep } from "../../domain/pull/part-step.ts";
import { PartRecount } from "../../domain/recount.ts";
import { partFindings } from "../../domain/reread.ts";
import { readPart } from "../verify/part.ts";
import { findingLine } from "../verify/report.ts";
import { downloadPart } from "./download.ts";
import { CorruptSource, Expired } from "./failures.ts";
import type { Folder } from "./folder.ts";
import type { Progress } from "./progress.ts";
import type { BucketSource } from "./source.ts";

export interface PartContext {
  readonly source: BucketSource;
  readonly folder: Folder;
  readonly bucket: { readonly type: string; readonly hour: Hour };
  readonly progress: Progress;
  /** Hash finished files again, so that one that was damaged since is found. */
  readonly recheck: boolean;
}

export type PartResult =
  | { readonly part: "kept" | "downloaded" }
  | { readonly part: "expired" }
  | { readonly part: "corrupt"; readonly details: readonly string[] };

/** True if the part is there and need not be touched. */
export async function isThere(part: Part, { folder, recheck, progress }: PartContext): Promise<boolean> {
  const local = await folder.look(part, recheck);
  const fault = local.file === null ? null : localFault(part, local.file);
  if (fault !== null)
    progress.note(`${part.key}: the local copy is damaged (${fault}); downloading it again`);
  return partStep(part, local).step === "keep";
}

export async function bringPart(part: Part, context: PartContext): Promise<PartResult> {
  const { folder } = context;
  let wholeDownloads = 0;
  let fromByte = await beginning(part, context);
  if (fromByte === null) return { part: "kept" };
  for (;;) {
    if (fromByte === 0) wholeDownloads++;
    try {
      await download(part, fromByte, context);
    } catch (error) {
      if (error instanceof Expired) return { part: "expired" };
      if (!(error instanceof CorruptSource)) throw error;
      await folder.dropPartial(part);
      return { part: "corrupt", details: [`${part.key}: ${error.message}`] };
    }
    const details = await faultsOf(part, context);
    const after = afterCheck(details.length === 0, wholeDownloads);
    if (after === "accept") {
      await folder.accept(part);
      return { part: "downloaded" };
    }
    await folder.dropPartial(part);
    if (after === "corrupt") return { part: "corrupt", details };
    fromByte = 0;
  }
}

/** The first byte that is missing; null if the part is there. */
async function beginning(part: Part, { folder, recheck }: PartContext): Promise<number | null> {
  const step = partStep(part, await folder.look(part, recheck));
  switch (step.step) {
    case "keep":
      return null;
    case "check":
      return part.bytes;
    case "download":
      return step.fromByte;
  }
}

async function download(part: Part, fromByte: number, context: PartContext): Promise<void> {
  if (fromByte === part.bytes) return;
  const { source, folder, bucket, progress } = context;
  await downloadPart({
    source,
    hour: bucket.hour,
    part,
    path: folder.partialOf(part),
    fromByte,
    onBytes: (bytes) => {
      progress.bytes(bytes);
    },
  });
}

/** What of the unfinished file is not what the manifest says. A part fits the memory: `partBytesMax`. */
async function faultsOf(part: Part, { folder, bucket }: PartContext): Promise<string[]> {
  const bytes = new Uint8Array(await readFile(folder.partialOf(part)));
  const reading = await readPart(part, bytes, new PartRecount(bucket.type, new IdentitySet()));
  return partFindings(part, reading).map(findingLine);
}
