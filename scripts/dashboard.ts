/**
 * Builds the dashboard: dashboard/src into dashboard/public/app.js, beside the page and the style that are kept as they
 * are. wrangler runs it before it builds the Worker (`[build]` in wrangler.toml). Exit code: 0 built, 1 it does not
 * build or is over its bound.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const target = join(root, "dashboard", "public", "app.js");

/** Bytes of the built script, which a phone loads before it shows anything. */
const scriptBytesMax = 96 * 1024;

const { outputFiles } = await build({
  entryPoints: [join(root, "dashboard", "src", "main.tsx")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  write: false,
  logLevel: "error",
});
const bytes = outputFiles[0]?.contents ?? new Uint8Array();
if (bytes.length > scriptBytesMax) {
  console.error(`dashboard: ${bytes.length} bytes are more than ${scriptBytesMax}; look for what came in`);
  process.exit(1);
}
if (!isThere(bytes)) {
  // Several builds may run at once: each puts its whole file in place, and they are all the same.
  const own = `${target}.${process.pid}`;
  try {
    writeFileSync(own, bytes);
    renameSync(own, target);
  } finally {
    rmSync(own, { force: true });
  }
}
console.log(`dashboard: ${bytes.length} bytes, at most ${scriptBytesMax}`);

/** True if the file holds these bytes: one that is being served is not touched for nothing. */
function isThere(wanted: Uint8Array): boolean {
  try {
    return readFileSync(target).equals(wanted);
  } catch {
    return false;
  }
}
