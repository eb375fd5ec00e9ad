/** Numbers, sizes and spans as the pages write them. */
const counts = new Intl.NumberFormat("en-GB");

export function countText(count: number): string {
  return counts.format(count);
}

/** `1 row`, `2 rows`. */
export function countOf(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** Events a second, of an hour's: `0.04`, `3.2`, `410`. */
export function rateText(rowsPerHour: number): string {
  const rate = rowsPerHour / 3_600;
  if (rate === 0) return "0";
  return rate < 1 ? rate.toFixed(2) : shortCount(rate);
}

/** For an axis or a narrow place: `950`, `12k`, `3.4M`. */
export function shortCount(count: number): string {
  const units = ["", "k", "M", "G", "T"];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)}${units[unit] ?? ""}`;
}

/** Shards, not whole ones: `0.01`, `0.4`, `2.3`, `12`. */
export function neededText(shards: number): string {
  if (Number.isInteger(shards)) return String(shards);
  if (shards < 0.01) return "< 0.01";
  return shards < 0.1 ? shards.toFixed(2) : shards < 10 ? shards.toFixed(1) : String(Math.round(shards));
}

export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

/** `850 ms`, `42 s`, `10 min 5 s`, `3 h 20 min`, `2 d 4 h`: the two largest units. */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return `${Math.round(size)} ms`;
  const seconds = Math.round(size / 1_000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** `12 %`, `0.3 %`; a part of nothing is nothing. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const percent = (100 * part) / whole;
  return `${percent !== 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A name in a narrow place: of one that is longer than `max` characters the middle is left out, since names differ at their ends. */
export function middleCut(name: string, max: number): string {
  const characters = Array.from(name);
  if (characters.length <= max) return name;
  const end = Math.floor((max - 1) / 2);
  return `${characters.slice(0, max - 1 - end).join("")}…${characters.slice(-end).join("")}`;
}
