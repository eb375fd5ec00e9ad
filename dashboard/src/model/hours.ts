/** Hours as the pages write them: `2026-11-23T10`, always UTC. */
const HOUR_MS = 3_600_000;

export function hourStartMs(hour: string): number {
  return Date.parse(`${hour}:00:00Z`);
}

export function hourOfMs(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}

/** The hour `count` hours later. */
export function plusHours(hour: string, count: number): string {
  return hourOfMs(hourStartMs(hour) + count * HOUR_MS);
}

/** How many hours lie between: 0 for the same one. */
export function hoursBetween(from: string, to: string): number {
  return Math.round((hourStartMs(to) - hourStartMs(from)) / HOUR_MS);
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `Mon 23`: a column's day. */
export function dayLabel(hour: string): string {
  return `${days[new Date(hourStartMs(hour)).getUTCDay()] ?? ""} ${Number(hour.slice(8, 10))}`;
}

/** `2026-11-23 10:00`: an hour in a sentence. */
export function hourLabel(hour: string): string {
  return `${hour.slice(0, 10)} ${hour.slice(11)}:00`;
}

/** `11-23 10:00:05`: a moment in a table; the year goes without saying. */
export function momentLabel(iso: string): string {
  return `${iso.slice(5, 10)} ${iso.slice(11, 19)}`;
}
