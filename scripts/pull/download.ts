/**
 * Downloads one part into its unfinished file, from a byte on. A connection that breaks or stalls is begun again where
 * it ended; only tries that bring nothing count. Nothing is checked here but the length.
 */
import { open } from "node:fs/promises";
import type { Hour } from "../../domain/hour.ts";
import type { Part } from "../../domain/manifest.ts";
import { triesMax, waitAfter } from "../local/backoff.ts";
import { causeOf } from "../local/client.ts";
import { CorruptSource, Refused, Unreachable } from "./failures.ts";
import type { BucketSource } from "./source.ts";

/** A body that brings nothing for this long is given up and asked for again. */
const stallMsMax = 30_000;

export interface DownloadOptions {
  readonly source: BucketSource;
  readonly hour: Hour;
  readonly part: Part;
  readonly path: string;
  readonly fromByte: number;
  /** Told of every chunk that was written. */
  readonly onBytes: (bytes: number) => void;
}

export async function downloadPart(options: DownloadOptions): Promise<void> {
  let { fromByte } = options;
  for (let tries = 1; ; tries++) {
    const before = fromByte;
    let failure = "the body ended early";
    try {
      fromByte = await downloadOnce({ ...options, fromByte }, (at) => {
        fromByte = at;
      });
    } catch (error) {
      if (error instanceof CorruptSource || error instanceof Refused || error instanceof Unreachable)
        throw error;
      if (isOfDisk(error)) throw error;
      failure = causeOf(error);
    }
    if (fromByte === options.part.bytes) return;
    if (fromByte > before) tries = 0;
    if (tries === triesMax) throw new Unreachable(`${options.part.key} cannot be downloaded: ${failure}`);
    await waitAfter(Math.max(1, tries), 0);
  }
}

/** Answers how many bytes there are afterwards; `reached` is told on the way, for a body that breaks. */
async function downloadOnce(options: DownloadOptions, reached: (at: number) => void): Promise<number> {
  const { source, hour, part, path, onBytes } = options;
  const stall = new AbortController();
  const { fromByte, body } = await source.part(hour, part, options.fromByte, stall.signal);
  const watch = setTimeout(() => {
    stall.abort(new Error(`no byte for ${stallMsMax} ms`));
  }, stallMsMax);
  try {
    const file = await open(path, fromByte === 0 ? "w" : "r+");
    let at = fromByte;
    try {
      await file.truncate(fromByte);
      for await (const chunk of body) {
        if (at + chunk.length > part.bytes) {
          throw new CorruptSource(`more bytes came than the ${part.bytes} of the manifest`);
        }
        await file.write(chunk, 0, chunk.length, at);
        at += chunk.length;
        reached(at);
        onBytes(chunk.length);
        watch.refresh();
      }
    } finally {
      await file.close();
    }
    return at;
  } finally {
    clearTimeout(watch);
    stall.abort();
  }
}

/** A full or read-only disk is not cured by asking the source again. */
function isOfDisk(error: unknown): boolean {
  return (
    error instanceof Error &&
    "syscall" in error &&
    ["write", "open", "ftruncate"].includes(String(error.syscall))
  );
}
