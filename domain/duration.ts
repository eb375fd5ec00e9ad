/** Durations as people write them, `10m` or `7d`: a whole number and one unit. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The written form of a duration. Ten digits are past any limit, and far below what a number holds exactly. */
export const durationPattern = /^(\d{1,10})(ms|s|m|h|d)$/;

/** The milliseconds of a written duration; null if it is none. */
export function durationMs(text: string): number | null {
  const [, digits, unit] = durationPattern.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !(unit in units)) return null;
  return Number(digits) * units[unit as keyof typeof units];
}

/** The written form with the largest unit that divides it: the inverse of `durationMs`. */
export function durationText(ms: number): string {
  if (ms === 0) return "0s";
  const unit = (["d", "h", "m", "s"] as const).find((name) => ms % units[name] === 0) ?? "ms";
  return `${ms / units[unit]}${unit}`;
}
