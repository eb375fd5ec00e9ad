/**
 * `npm run build`: builds both Workers, the deployed one and that of local mode, as a deploy would, into dist/, and
 * deploys nothing. Exit code: 0 built, 1 one does not build or is over its bound.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readProjectConfig, repositoryRoot } from "./local/config.ts";
import { runWrangler } from "./local/wrangler.ts";

/**
 * Bytes of the built script. Far below what the platform takes (3 MB gzipped; this is 0.3 MB); it is there to catch a
 * dependency that comes in whole, which every cold start would pay for. A quarter of it is zod, which a named import
 * would triple, and a fifth the Parquet writer and reader.
 */
const bundleBytesMax = 1_280 * 1024;

/** Wrangler's name of each environment, and the entry that it builds. */
const targets = [
  { environment: "", outdir: join("dist", "worker"), entry: "index.js" },
  { environment: "local", outdir: join("dist", "local"), entry: "local.js" },
] as const;

for (const { environment, outdir, entry } of targets) {
  const args = ["deploy", "--dry-run", "--env", environment, "--outdir", join(repositoryRoot, outdir)];
  const { code, output } = await runWrangler(args, readProjectConfig().path);
  if (code !== 0) {
    console.error(`build: ${outdir} does not build:\n${output}`);
    process.exitCode = 1;
    continue;
  }
  const bytes = statSync(join(repositoryRoot, outdir, entry)).size;
  console.log(`${join(outdir, entry)}: ${bytes} bytes, at most ${bundleBytesMax}`);
  if (bytes > bundleBytesMax) {
    console.error(`build: ${outdir} is too large; look for what came in`);
    process.exitCode = 1;
  }
}
