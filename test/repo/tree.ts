/** The files of the repository, as git tracks them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

/** Tracked paths that match, relative to the root, with forward slashes. */
export function files(pattern: RegExp): string[] {
  return tracked.filter((path) => pattern.test(path));
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** TypeScript without its comments: good enough to look for names, for no text here holds a comment's beginning. */
export function codeOf(path: string): string {
  return textOf(path)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[\s;{}(),])\/\/.*$/gm, "$1");
}

/** What runs on the platform. */
export const workerSource = /^(domain|platform|durable-objects|workers)\/.*\.ts$/;

/** Everything that is written by hand. */
export const anySource = /^(?!worker-configuration).*\.tsx?$/;

/** The paths that a file imports, relative ones resolved to the root; types count too. */
export function importsOf(path: string): string[] {
  const found = [...codeOf(path).matchAll(/\bfrom\s+"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g)];
  return found.map((match) => {
    const name = match[1] ?? match[2] ?? "";
    return name.startsWith(".") ? join(path, "..", name) : name;
  });
}
