/**
 * What a run used, by meter and by what used it: `rows_written/EventShard INSERT INTO batch` → 1,234.
 * The part before the first slash is a meter of bench/prices.ts, or one that is only shown.
 */
import { type Meter, cloudflare, dollars } from "../prices.ts";

export type Counts = Readonly<Record<string, number>>;

export function difference(after: Counts, before: Counts): Counts {
  const changed = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(changed.filter(([, count]) => count !== 0));
}

export function sum(...all: readonly Counts[]): Counts {
  const total: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

export function scale(counts: Counts, factor: number): Counts {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count * factor]));
}

/** Units of one meter, or of those of its users whose name begins so. */
export function units(counts: Counts, meter: string, user = ""): number {
  const prefix = `${meter}/${user}`;
  return Object.entries(counts)
    .filter(([name]) => name.startsWith(prefix))
    .reduce((total, [, count]) => total + count, 0);
}

/** Dollars by meter, the dearest first. */
export function priced(
  counts: Counts,
): { readonly meter: Meter; readonly units: number; readonly usd: number }[] {
  return meters()
    .map((meter) => ({
      meter,
      units: units(counts, meter),
      usd: dollars(cloudflare[meter], units(counts, meter)),
    }))
    .filter(({ units: used }) => used > 0)
    .sort((a, b) => b.usd - a.usd);
}

export function totalUsd(counts: Counts): number {
  return priced(counts).reduce((total, { usd }) => total + usd, 0);
}

/** The single uses that cost most. */
export function dearest(
  counts: Counts,
  count: number,
): { readonly use: string; readonly units: number; readonly usd: number }[] {
  return Object.entries(counts)
    .flatMap(([use, used]) => {
      const meter = meters().find((name) => use.startsWith(`${name}/`));
      return meter === undefined ? [] : [{ use, units: used, usd: dollars(cloudflare[meter], used) }];
    })
    .sort((a, b) => b.usd - a.usd)
    .slice(0, count);
}

function meters(): Meter[] {
  return Object.keys(cloudflare) as Meter[];
}
