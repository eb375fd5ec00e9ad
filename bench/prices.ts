/**
 * Public list prices, beyond the included amounts, each with where it stands and when it was last looked up.
 * The only file with prices in it: `npm run cost` and `npm run scale` multiply what they count by these.
 */

export interface Price {
  /** US dollars for `per` of the unit. */
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  readonly source: string;
  readonly asOf: string;
  readonly note?: string;
}

const MILLION = 1_000_000;

const workersPage = "https://developers.cloudflare.com/workers/platform/pricing/";
const objectsPage = "https://developers.cloudflare.com/durable-objects/platform/pricing/";
const r2Page = "https://developers.cloudflare.com/r2/pricing/";
const d1Page = "https://developers.cloudflare.com/d1/platform/pricing/";
const pipelinesPage = "https://developers.cloudflare.com/pipelines/platform/pricing/";

/** What Hourseal runs on. The names are the meters that a counted run is added up by. */
export const cloudflare = {
  worker_requests: {
    usd: 0.3,
    per: MILLION,
    unit: "request",
    source: workersPage,
    asOf: "2026-11-24",
    note: "subrequests are free; a cron run is counted as a request",
  },
  cpu_ms: { usd: 0.02, per: MILLION, unit: "CPU-ms", source: workersPage, asOf: "2026-11-24" },
  object_requests: {
    usd: 0.15,
    per: MILLION,
    unit: "RPC call or alarm",
    source: objectsPage,
    asOf: "2026-11-24",
  },
  object_gb_s: {
    usd: 12.5,
    per: MILLION,
    unit: "GB-s",
    source: objectsPage,
    asOf: "2026-11-24",
    note: "128 MB for as long as an object is at work, shared by its concurrent requests; an idle object that may hibernate costs nothing",
  },
  rows_written: {
    usd: 1,
    per: MILLION,
    unit: "row",
    source: objectsPage,
    asOf: "2026-11-24",
    note: "deletes and setAlarm count as rows",
  },
  rows_read: { usd: 0.001, per: MILLION, unit: "row", source: objectsPage, asOf: "2026-11-24" },
  object_storage_gb_month: {
    usd: 0.2,
    per: 1,
    unit: "GB-month",
    source: objectsPage,
    asOf: "2026-11-24",
  },
  d1_rows_written: { usd: 1, per: MILLION, unit: "row", source: d1Page, asOf: "2026-11-24" },
  d1_rows_read: { usd: 0.001, per: MILLION, unit: "row", source: d1Page, asOf: "2026-11-24" },
  r2_class_a: {
    usd: 4.5,
    per: MILLION,
    unit: "put or list",
    source: r2Page,
    asOf: "2026-11-24",
    note: "a conditional put that finds its key taken counts too",
  },
  r2_class_b: { usd: 0.36, per: MILLION, unit: "get or head", source: r2Page, asOf: "2026-11-24" },
  r2_storage_gb_month: { usd: 0.015, per: 1, unit: "GB-month", source: r2Page, asOf: "2026-11-24" },
  log_lines: {
    usd: 0.6,
    per: MILLION,
    unit: "log line kept by Workers Logs",
    source: "https://developers.cloudflare.com/workers/observability/logs/workers-logs/",
    asOf: "2026-11-24",
    note: "wrangler.toml turns invocation logs off: they would be a line for every request and call",
  },
} as const satisfies Record<string, Price>;

export type Meter = keyof typeof cloudflare;

/** What the same workload costs elsewhere; the arithmetic is in bench/cost/alternatives.ts. */
export const elsewhere = {
  pipelines_sql: { usd: 0.04, per: 1, unit: "GB", source: pipelinesPage, asOf: "2026-11-24" },
  pipelines_parquet: { usd: 0.06, per: 1, unit: "GB", source: pipelinesPage, asOf: "2026-11-24" },
  pipelines_json: { usd: 0.03, per: 1, unit: "GB", source: pipelinesPage, asOf: "2026-11-24" },
  firehose_ingest: {
    usd: 0.029,
    per: 1,
    unit: "GB",
    source: "https://aws.amazon.com/firehose/pricing/",
    asOf: "2026-11-24",
    note: "us-east-1, first 500 TB of a month; every record is rounded up to 5 KB",
  },
  firehose_to_parquet: {
    usd: 0.018,
    per: 1,
    unit: "GB",
    source: "https://aws.amazon.com/firehose/pricing/",
    asOf: "2026-11-24",
    note: "also by 5 KB records",
  },
  pubsub_tib: {
    usd: 40,
    per: 1024 ** 4 / 1e9,
    unit: "GB published or pulled",
    source: "https://cloud.google.com/pubsub/pricing",
    asOf: "2026-11-24",
    note: "$40 a TiB; at least 1,000 bytes a request",
  },
  dataflow_vcpu_hour: {
    usd: 0.069,
    per: 1,
    unit: "vCPU-hour, streaming",
    source: "https://cloud.google.com/dataflow/pricing",
    asOf: "2026-11-24",
  },
  dataflow_memory_gb_hour: {
    usd: 0.0035557,
    per: 1,
    unit: "GB-hour, streaming",
    source: "https://cloud.google.com/dataflow/pricing",
    asOf: "2026-11-24",
    note: "widely quoted; the vendor's table could not be read here",
  },
  dataflow_engine_gb: {
    usd: 0.018,
    per: 1,
    unit: "GB through the streaming engine",
    source: "https://cloud.google.com/dataflow/pricing",
    asOf: "2026-11-24",
    note: "widely quoted; the vendor's table could not be read here",
  },
  confluent_gb: {
    usd: 0.05,
    per: 1,
    unit: "GB in or out",
    source: "https://www.confluent.io/pricing/",
    asOf: "2026-11-24",
    note: "Basic and Standard clusters",
  },
  confluent_storage_gb_month: {
    usd: 0.08,
    per: 1,
    unit: "GB-month",
    source: "https://www.confluent.io/pricing/",
    asOf: "2026-11-24",
  },
  confluent_ecku_hour: {
    usd: 0.75,
    per: 1,
    unit: "eCKU-hour, Standard",
    source: "https://www.confluent.io/pricing/",
    asOf: "2026-11-24",
    note: "widely quoted for Standard; Basic asks $0.14 after the first",
  },
  confluent_sink_gb: {
    usd: 0.025,
    per: 1,
    unit: "GB through a managed S3 sink",
    source: "https://www.confluent.io/pricing/",
    asOf: "2026-11-24",
    note: "widely quoted; the vendor's table could not be read here",
  },
} as const satisfies Record<string, Price>;

/** Dollars for so many units. */
export function dollars(price: Price, units: number): number {
  return (units / price.per) * price.usd;
}
