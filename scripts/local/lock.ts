/**
 * One process at a time per data directory: a second workerd on the same SQLite files would corrupt them.
 * The lock is a file with the holder's process id; a holder that is gone, killed ones too, holds it no longer.
 * Does not promise: to hold against two processes that start within the same millisecond on a stale lock.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";
}

/** Takes the lock, making the directory if need be; the answer gives it back. */
export function lockDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, "lock");
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const holder = Number(readFileSync(path, "utf8"));
    if (isAlive(holder)) {
      throw new DataDirInUse(
        `${dataDir} is in use by process ${holder}; stop that one first, or choose another --data`,
      );
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
