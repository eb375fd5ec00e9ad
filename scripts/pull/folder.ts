/**
 * The folder that a pull leaves: the keys of R2 as paths, so that what reads the one reads the other.
 *
 * Promises: a file under the name of a part, a manifest or `_SUCCESS` was written whole before it got that name. What is
 * unfinished has a name that begins with a dot and ends in `.partial`: Hive, Spark and DuckDB pass it over.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Hour } from "../../domain/hour.ts";
import { type Part, bucketPrefix } from "../../domain/manifest.ts";
import { localName } from "../../domain/pull/local-name.ts";
import type { LocalPart } from "../../domain/pull/part-step.ts";

export class Folder {
  readonly path: string;

  /** The folder of one bucket under the destination. */
  constructor(destination: string, bucket: { readonly type: string; readonly hour: Hour }) {
    this.path = join(destination, ...bucketPrefix(bucket).split("/").map(localName));
  }

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true });
  }

  pathOf(part: Pick<Part, "key">): string {
    return join(this.path, basename(part.key));
  }

  partialOf(part: Pick<Part, "key">): string {
    return partialName(this.pathOf(part));
  }

  /** What is there of the part. `hash`: look at the bytes of a finished file, not at its size alone. */
  async look(part: Part, hash: boolean): Promise<LocalPart> {
    const path = this.pathOf(part);
    const bytes = await sizeOf(path);
    const sha256 = hash && bytes === part.bytes ? await sha256OfFile(path) : null;
    return {
      file: bytes === null ? null : { bytes, sha256 },
      partialBytes: await sizeOf(this.partialOf(part)),
    };
  }

  /** The unfinished download becomes the part. Its bytes are on the disk before its name is. */
  async accept(part: Part): Promise<void> {
    await nameWhole(this.partialOf(part), this.pathOf(part));
  }

  async dropPartial(part: Part): Promise<void> {
    await rm(this.partialOf(part), { force: true });
  }

  /** The manifest that was put here by a pull, null if there is none. */
  async manifest(): Promise<Uint8Array<ArrayBuffer> | null> {
    return readOrNull(join(this.path, "_manifest.json"));
  }

  async isComplete(): Promise<boolean> {
    return (await sizeOf(join(this.path, "_SUCCESS"))) !== null;
  }

  async unmark(): Promise<void> {
    await rm(join(this.path, "_SUCCESS"), { force: true });
  }

  /** The manifest, and then the mark that everything is there. */
  async complete(manifest: Uint8Array): Promise<void> {
    await writeWhole(join(this.path, "_manifest.json"), manifest);
    await writeWhole(join(this.path, "_SUCCESS"), new Uint8Array());
  }

  /** Files that a reader of the whole folder would take for parts, and that the manifest does not list. */
  async strangers(listed: readonly Part[]): Promise<string[]> {
    const known = new Set(listed.map(({ key }) => basename(key)));
    const names = await readdir(this.path).catch(() => []);
    return names.filter((name) => !/^[._]/.test(name) && !known.has(name)).toSorted();
  }
}

function partialName(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial`);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = partialName(path);
  const file = await open(partial, "w");
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
  await nameWhole(partial, path);
}

async function nameWhole(partial: string, path: string): Promise<void> {
  const file = await open(partial, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function readOrNull(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    if (chunk instanceof Uint8Array) hash.update(chunk);
  }
  return hash.digest("hex");
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
