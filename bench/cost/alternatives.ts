/**
 * The same workload elsewhere, from public list prices alone: dollars for a million events. Each row says what is assumed,
 * always in favour of the other. None of them but the last removes repetitions within a week or proves its counts.
 */
import { type Price, cloudflare, dollars, elsewhere } from "../prices.ts";

export interface Alternative {
  readonly name: string;
  readonly usdPerMillion: number;
  readonly assumes: string;
  readonly sources: readonly string[];
}

const MILLION = 1_000_000;

/** `eventBytes`: of one event as posted. */
export function alternatives(eventBytes: number, eventsPerRequest: number): Alternative[] {
  const gb = (MILLION * eventBytes) / 1e9;
  const requests = MILLION / eventsPerRequest;
  return [
    pipelines(gb),
    firehose(gb, eventBytes),
    pubsub(gb, eventBytes, eventsPerRequest),
    confluent(gb),
    rowAnEvent(requests),
  ];
}

function pipelines(gb: number): Alternative {
  const { pipelines_sql: sql, pipelines_parquet: parquet } = elsewhere;
  return {
    name: "Cloudflare Pipelines",
    usdPerMillion: cost([sql, gb], [parquet, gb]),
    assumes: "Parquet; a stream's own HTTP endpoint takes the events; 20 streams an account",
    sources: sourcesOf(sql, parquet),
  };
}

function firehose(gb: number, eventBytes: number): Alternative {
  const { firehose_ingest: ingest, firehose_to_parquet: parquet } = elsewhere;
  const billed = (gb / eventBytes) * Math.ceil(eventBytes / 5_120) * 5_120;
  return {
    name: "Kinesis Firehose",
    usdPerMillion: cost([ingest, billed], [parquet, billed]),
    assumes:
      "a record for each event, Parquet; no endpoint, no S3 requests. Clients that pack 5 KB into a record pay a tenth",
    sources: sourcesOf(ingest, parquet),
  };
}

function pubsub(gb: number, eventBytes: number, eventsPerRequest: number): Alternative {
  const {
    pubsub_tib: throughput,
    dataflow_vcpu_hour: vcpu,
    dataflow_memory_gb_hour: memory,
    dataflow_engine_gb: engine,
  } = elsewhere;
  const published = (gb * Math.max(1_000, eventBytes * eventsPerRequest)) / (eventBytes * eventsPerRequest);
  const vcpuHours = MILLION / dataflowEventsPerVcpuSecond / 3_600;
  return {
    name: "Pub/Sub + Dataflow",
    usdPerMillion: cost(
      [throughput, published + gb],
      [vcpu, vcpuHours],
      [memory, vcpuHours * 3.75],
      [engine, gb],
    ),
    assumes: `${dataflowEventsPerVcpuSecond} events a second on a vCPU that is never idle; repetitions removed by Pub/Sub's own ids only`,
    sources: sourcesOf(throughput, vcpu, memory, engine),
  };
}

/** A guess in its favour: parsing and writing JSON of half a kilobyte. */
const dataflowEventsPerVcpuSecond = 10_000;

function confluent(gb: number): Alternative {
  const {
    confluent_gb: transfer,
    confluent_storage_gb_month: storage,
    confluent_ecku_hour: ecku,
    confluent_sink_gb: sink,
  } = elsewhere;
  return {
    name: "Confluent Cloud",
    usdPerMillion: cost(
      [transfer, 2 * gb],
      [storage, gb * (7 / 30)],
      [sink, gb],
      [ecku, gb / confluentGbPerEckuHour],
    ),
    assumes: "in once and out once to a managed sink, a week kept, an eCKU that is always full",
    sources: sourcesOf(transfer, storage, ecku, sink),
  };
}

/** 60 MB/s in for an hour: more than an elastic unit is said to take. */
const confluentGbPerEckuHour = 216;

/** The usual design on the same platform: a row and a unique id for each event, an object call for each request. */
function rowAnEvent(requests: number): Alternative {
  const { worker_requests: worker, object_requests: object, rows_written: rows } = cloudflare;
  return {
    name: "a row for each event in an object",
    usdPerMillion: cost([worker, requests], [object, requests], [rows, 3 * MILLION]),
    assumes: "a row and its unique id, and the delete; nothing for putting it into R2",
    sources: sourcesOf(worker, object, rows),
  };
}

function cost(...uses: readonly (readonly [Price, number])[]): number {
  return uses.reduce((total, [price, used]) => total + dollars(price, used), 0);
}

function sourcesOf(...prices: readonly Price[]): string[] {
  return [...new Set(prices.map(({ source }) => source))];
}
