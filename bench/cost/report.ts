/** The bill in words: as a Markdown table for people and as JSON for scripts. */
import { type Price, cloudflare, elsewhere } from "../prices.ts";
import { alternatives } from "./alternatives.ts";
import { type Counts, dearest, priced, totalUsd } from "./counts.ts";
import type { Measured } from "./workloads.ts";

export interface Bill {
  readonly name: string;
  readonly how: string;
  readonly events: number;
  readonly requestsPerCommit: number;
  readonly requestsPerReport: number;
  readonly usd: number;
  /** Null where there are no events. */
  readonly usdPerMillion: number | null;
  readonly byMeter: Readonly<Record<string, { readonly units: number; readonly usd: number }>>;
  readonly counts: Counts;
}

export function billOf({ name, how, events, requestsPerCommit, requestsPerReport, counts }: Measured): Bill {
  const usd = totalUsd(counts);
  return {
    name,
    how,
    events,
    requestsPerCommit,
    requestsPerReport,
    usd,
    usdPerMillion: events === 0 ? null : (usd / events) * 1e6,
    byMeter: Object.fromEntries(priced(counts).map(({ meter, ...rest }) => [meter, rest])),
    counts,
  };
}

export function billTable(bills: readonly Bill[]): string {
  return table(
    [
      "workload",
      "how",
      "requests / commit",
      "requests / report",
      "$ per million events",
      "$ in all",
      "mostly for",
    ],
    bills.map((bill) => [
      bill.name,
      bill.how,
      ratio(bill.requestsPerCommit),
      ratio(bill.requestsPerReport),
      bill.usdPerMillion === null ? "" : bill.usdPerMillion.toFixed(4),
      bill.usd.toFixed(4),
      mostly(bill),
    ]),
  );
}

/** What each meter adds to a million events, or to the whole where there are none. */
export function meterTable(bills: readonly Bill[]): string {
  const meters = (Object.keys(cloudflare) as (keyof typeof cloudflare)[]).filter((meter) =>
    bills.some(({ byMeter }) => meter in byMeter),
  );
  return table(
    ["$", ...bills.map(({ name }) => name)],
    meters.map((meter) => [
      meter.replaceAll("_", " "),
      ...bills.map(({ byMeter, events }) =>
        ((byMeter[meter]?.usd ?? 0) * (events === 0 ? 1 : 1e6 / events)).toFixed(5),
      ),
    ]),
  );
}

export function usesTable({ counts, events, usd }: Bill, most: number): string {
  return table(
    ["use", "units", events === 0 ? "$" : "$ per million events", "share"],
    dearest(counts, most).map(({ use, units, usd: one }) => [
      `\`${use}\``,
      units.toFixed(units < 10 ? 2 : 0),
      (events === 0 ? one : (one / events) * 1e6).toFixed(5),
      `${((one / usd) * 100).toFixed(0)} %`,
    ]),
  );
}

export function alternativesTable(eventBytes: number, eventsPerRequest: number): string {
  return table(
    ["elsewhere", "$ per million events", "assumed", "prices"],
    alternatives(eventBytes, eventsPerRequest).map(({ name, usdPerMillion, assumes, sources }) => [
      name,
      usdPerMillion.toFixed(4),
      assumes,
      sources.map((source) => `<${source}>`).join(" "),
    ]),
  );
}

export function priceTable(): string {
  return table(
    ["meter", "$", "for", "source", "as of"],
    Object.entries<Price>({ ...cloudflare, ...elsewhere }).map(
      ([name, { usd, per, unit, source, asOf, note }]) => [
        name.replaceAll("_", " "),
        String(usd),
        `${per === 1 ? "a" : per.toLocaleString("en", { maximumFractionDigits: 0 })} ${unit}${note === undefined ? "" : ` (${note})`}`,
        `<${source}>`,
        asOf,
      ],
    ),
  );
}

function mostly(bill: Bill): string {
  return Object.entries(bill.byMeter)
    .slice(0, 3)
    .map(([meter, { usd }]) => `${meter.replaceAll("_", " ")} ${((usd / bill.usd) * 100).toFixed(0)} %`)
    .join(", ");
}

function ratio(value: number): string {
  return value === 0 || !Number.isFinite(value) ? "" : value.toFixed(1);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
