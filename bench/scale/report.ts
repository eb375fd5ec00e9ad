/** The model's answer as Markdown: the load, what it needs, what breaks first, dollars a day. */
import { table } from "../cost/report.ts";
import { billPerDay } from "./bill.ts";
import { type Load, streamRates } from "./load.ts";
import { type Measured, needsOf } from "./model.ts";

export function scaleReport(load: Load, measured: Measured): string {
  const needs = needsOf(load, measured);
  const bill = billPerDay(load, needs, measured);
  const usd = bill.reduce((sum, { usdPerDay }) => sum + usdPerDay, 0);
  const eventsPerDay = load.eventsPerSecond * 86_400;
  const fits = needs.bounds.every(({ needed, available }) => needed <= available);
  return [
    "### The load",
    table(
      ["what", "value"],
      Object.entries<number>({ ...load }).map(([name, value]) => [spaced(name), figure(value)]),
    ),
    "### What it needs",
    table(
      ["what", "value"],
      [
        ["requests/s, on average", figure(needs.requestsPerSecond)],
        ["requests a day of one client", figure((needs.requestsPerSecond * 86_400) / load.clients)],
        ["appends/s: calls of shards", figure(needs.appendsPerSecond)],
        [
          "events/s of the five busiest streams, busiest hour",
          streamRates(load).slice(0, 5).map(figure).join(", "),
        ],
        ["shards an hour of these", needs.shardsOfLargest.map(figure).join(", ")],
        ["shards an hour, all streams", figure(needs.shards)],
        ["buckets a day", figure(needs.bucketsPerDay)],
        ["parts a day", figure(needs.partsPerDay)],
        ["bytes a day, as posted", bytes(needs.bytesPerDay)],
        ["bytes a day, sealed", bytes(needs.sealedBytesPerDay)],
        ["bytes in R2", bytes(needs.sealedBytesKept)],
        ["payloads in objects at a time", bytes(needs.payloadBytesHeld)],
        ["identities in objects at a time", bytes(needs.identityBytesHeld)],
        ["threads that compress, busiest hour, of all shards", figure(needs.flushThreads)],
        ["threads that audit, on average", figure(needs.auditThreads)],
      ],
    ),
    "### What breaks first",
    table(
      ["limit", "needed", "there is", "unit", "met at this share of the load", "remedy"],
      needs.bounds.map(({ what, needed, available, unit, remedy }) => [
        what,
        figure(needed),
        figure(available),
        unit,
        `${figure((available / needed) * 100)} %`,
        remedy,
      ]),
    ),
    fits ? "The load fits." : "The load does not fit: what is below 100 % must be changed first.",
    "### Dollars a day",
    table(
      ["meter", "units a day", "$ a day", "how"],
      [
        ...bill.map(({ meter, unitsPerDay, usdPerDay, how }) => [
          meter.replaceAll("_", " "),
          figure(unitsPerDay),
          figure(usdPerDay),
          how,
        ]),
        ["all", "", figure(usd), `$${((usd / eventsPerDay) * 1e6).toFixed(4)} a million events`],
      ],
    ),
  ].join("\n\n");
}

function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Three digits that count: the model is no better than that. */
function figure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 2 });
}

function bytes(value: number): string {
  if (value >= 1e15) return `${figure(value / 1e15)} PB`;
  return value >= 1e12 ? `${figure(value / 1e12)} TB` : `${figure(value / 1e9)} GB`;
}
