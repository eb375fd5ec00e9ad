/** The hour that somebody may have meant who wrote it otherwise: for the answer to a malformed one. */
import { parseTimestamp } from "./event/timestamp.ts";
import { type Hour, epochMs, hourOf, parseHour } from "./hour.ts";

/** What an hour looks like, where nothing better is known. */
export const exampleHour = "2026-11-23T10" as Hour;

/** The hour of a timestamp, of a date, or of a text that begins as an hour does; null if it is none of them. */
export function hourMeant(text: string): Hour | null {
  const timeMs = parseTimestamp(text.trim().replace(" ", "T").toUpperCase());
  if (timeMs !== null) return hourOf(epochMs(timeMs));
  const [, date = "", hour = "00"] =
    /^(\d{4}-\d{2}-\d{2})(?:[T_ /-](\d{2})(?!\d).*)?$/i.exec(text.trim()) ?? [];
  return parseHour(`${date}T${hour}`);
}

/** What is wrong with the text, how an hour is written, and which one may have been meant. */
export function malformedHour(text: string): string {
  const meant = hourMeant(text);
  const hint = meant === null ? `for example ${exampleHour}` : `here probably ${meant}`;
  return `${JSON.stringify(text.slice(0, 100))} is not an hour; one is written YYYY-MM-DDTHH in UTC, ${hint}.`;
}
