/** The oracle: what the clients were told against what lies in R2, as sets of identities. Pure. */
import type { Delivered } from "./delivered.ts";
import type { Entry } from "./record.ts";

export interface Comparison {
  readonly acknowledged: number;
  /** Refused by a try after one whose answer was lost, and stored by that one: told apart, and no fault. */
  readonly storedThoughRefused: number;
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly what: string;
  readonly count: number;
  /** The first few, by name. */
  readonly examples: readonly string[];
}

const examplesMax = 5;

export function compare(record: ReadonlyMap<string, Entry>, delivered: Delivered["events"]): Comparison {
  const found = new Map<string, string[]>();
  const differ = (what: string, name: string): void => {
    const names = found.get(what) ?? [];
    names.push(name.replaceAll("\n", " "));
    found.set(what, names);
  };
  let acknowledged = 0;
  let storedThoughRefused = 0;
  for (const [name, entry] of record) {
    const rows = delivered.get(name) ?? [];
    if (rows.length > 1) differ("delivered more than once", name);
    for (const row of rows) if (!sameEvent(entry, row)) differ("delivered with other content", name);
    if (entry.fate === "open") differ("not answered", name);
    else if (entry.fate === "acknowledged") {
      acknowledged++;
      if (rows.length === 0) differ("acknowledged and not delivered", name);
    } else {
      differ(`refused as ${entry.fate.refused}`, name);
      if (rows.length > 0 && entry.replyLost) storedThoughRefused++;
      else if (rows.length > 0) differ("refused and delivered", name);
    }
  }
  for (const name of delivered.keys()) if (!record.has(name)) differ("delivered and never sent", name);
  const differences = [...found].map(([what, names]) => ({
    what,
    count: names.length,
    examples: names.slice(0, examplesMax),
  }));
  return { acknowledged, storedThoughRefused, differences };
}

function sameEvent(
  { event }: Entry,
  row: NonNullable<ReturnType<Delivered["events"]["get"]>>[number],
): boolean {
  const { data, attributes } = event;
  return row.data.no === data.no && row.data.text === data.text && row.time === attributes.time;
}
