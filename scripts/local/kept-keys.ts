/**
 * The two keys of a data directory, each in a file that only its owner can read: the admin key, made here, and a
 * client's key that may write every type, made by the running system.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { adminKeyCharsMin } from "../../domain/key.ts";
import { BadArgument } from "./arguments.ts";
import { type Api, createKey } from "./client.ts";

export function adminKeyPath(dataDir: string): string {
  return join(dataDir, "admin-key");
}

export function clientKeyPath(dataDir: string): string {
  return join(dataDir, "client-key");
}

/** The text of a kept key; null if there is none. */
export function keptKey(path: string): string | null {
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return text === "" ? null : text;
}

/** The given admin key, else the kept one, else a new one; it is kept in every case. */
export function adminKeyOf(dataDir: string, given: string | undefined): string {
  const kept = keptKey(adminKeyPath(dataDir));
  const key = given ?? kept ?? randomBytes(24).toString("base64url");
  if (!/^[!-~]+$/.test(key) || key.length < adminKeyCharsMin || key.length > 200) {
    throw new BadArgument(
      `--admin-key takes ${adminKeyCharsMin} to 200 printable ASCII characters without spaces`,
    );
  }
  if (key !== kept) keep(adminKeyPath(dataDir), key);
  return key;
}

/** The kept client's key, else a new one from the running system. `api` carries the admin key. */
export async function clientKeyOf(dataDir: string, api: Api): Promise<string> {
  const path = clientKeyPath(dataDir);
  const kept = keptKey(path);
  if (kept !== null) return kept;
  const key = await createKey(api, ["write:*"], "local client");
  keep(path, key);
  return key;
}

function keep(path: string, key: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
}
