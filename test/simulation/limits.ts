/**
 * Smaller limits for a run: parts after kilobytes instead of megabytes, commits of few appends, queues that fill up.
 * Patches the text of domain/limits.ts as it is loaded, so the limits' own relations are checked for these values too.
 */
import { registerHooks } from "node:module";

/** As written in domain/limits.ts, in its units. */
const smaller: Readonly<Record<string, string>> = {
  inflatedBytesMax: "4 * KiB",
  eventBytesMax: "1 * KiB",
  queueBytesMax: "4 * KiB",
  laneBytesMax: "2 * KiB",
  batchRowsMax: "3",
  commitBytesMax: "3 * KiB",
  appendsPerCommitMax: "3",
  flushBytes: "2 * KiB",
  partSampleBytes: "500",
  partBytesTarget: "2_500",
  carryAloneBytesMax: "700",
  carryBytesMin: "300",
  carriedBytesMax: "3_000",
  tailPageBytes: "400",
  foreignRowsMax: "4",
  claimRowsMax: "2",
  claimBytes: "60",
  grantsPageBytes: "32",
  identitiesPerShardMax: "24",
};

export function shrinkLimits(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith("/domain/limits.ts")) return loaded;
      return { ...loaded, source: shrink(textOf(loaded.source)) };
    },
  });
}

function shrink(text: string): string {
  return Object.entries(smaller).reduce((source, [name, value]) => {
    const pattern = new RegExp(`(export const ${name} = )[^;]+;`);
    if (!pattern.test(source)) throw new Error(`domain/limits.ts has no ${name}`);
    return source.replace(pattern, `$1${value};`);
  }, text);
}

function textOf(source: unknown): string {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array) return new TextDecoder().decode(source);
  throw new Error("domain/limits.ts was loaded without its text");
}
