/**
 * The log: one line of JSON per event. Names, counts, times and errors; never a payload, never a key, never an identity.
 * What is said within a span carries its trace.
 */
import { currentSpan } from "./current-span.ts";

export function log(area: string, event: string, fields: Record<string, unknown> = {}): void {
  const span = currentSpan();
  const within = span === null ? {} : { trace: span.traceId, span: span.id };
  writeLine({ area, event, ...within, ...fields });
}

export function writeLine(line: Readonly<Record<string, unknown>>): void {
  // oxlint-disable-next-line no-console -- the platform's log is the console
  console.log(JSON.stringify(line));
}
