/** A first look over the files, before anything is sent: which types there are, and when the data begins and ends. */
import { type Mapping, mapLine } from "./event.ts";
import { linesOf } from "./lines.ts";

export interface Scan {
  readonly types: readonly string[];
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

/** Registering more streams than this by accident (a wrong --type-field) would be tedious to undo. */
const typesMax = 1_000;

export class TooManyTypes extends Error {
  override readonly name = "TooManyTypes";
}

export async function scanFiles(paths: readonly string[], mapping: Mapping, limit: number): Promise<Scan> {
  const types = new Set<string>();
  let firstMs: number | null = null;
  let lastMs: number | null = null;
  let lines = 0;
  for (const path of paths) {
    for await (const line of linesOf(path)) {
      if (++lines > limit) break;
      const event = mapLine(line, mapping);
      if (!event.ok) continue;
      types.add(event.value.type);
      if (types.size > typesMax) {
        throw new TooManyTypes(`the files hold over ${typesMax} types; is --type-field the right one?`);
      }
      const { timeMs } = event.value;
      if (timeMs === null) continue;
      firstMs = firstMs === null ? timeMs : Math.min(firstMs, timeMs);
      lastMs = lastMs === null ? timeMs : Math.max(lastMs, timeMs);
    }
  }
  return { types: [...types].toSorted(), firstMs, lastMs };
}
