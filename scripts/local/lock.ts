/**
 * One process at a time per directory: a second workerd on the same SQLite files would corrupt them.
 * The lock is a file with the holder's process id; a holder that is gone, killed ones too, holds it no longer.
 * Does not promise: to hold against two processes that start within the same millisecond on a stale lock.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

/** Takes the lock of a data directory. */
export function lockDataDir(dataDir: string): () => void {
  return lockFile(dataDir, "lock", "stop that one first, or choose another --data");
}

/** Takes the lock of that name, making the directory if need be; the answer gives it back. `otherwise`: what to do. */
export function lockFile(directory: string, name: string, otherwise: string): () => void {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const holder = Number(readFileSync(path, "utf8"));
    if (isAlive(holder)) {
      throw new DirectoryInUse(`${directory} is in use by process ${holder}; ${otherwise}`);
    }
    writeFileSync(path, String(process.pid));
  }
  return () => {
    rmSync(path, { force: true });
  };
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
