/** The log: one line of JSON per event. Names, counts, times and errors; never a payload, never a key. */
export function log(area: string, event: string, fields: Record<string, unknown> = {}): void {
  // oxlint-disable-next-line no-console -- the platform's log is the console
  console.log(JSON.stringify({ area, event, ...fields }));
}
