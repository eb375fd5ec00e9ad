/** What the bench and its generator, a process of its own, say to each other. */
import * as z from "zod";
import { EpochMs } from "../../domain/hour.ts";

export const Order = z.object({
  port: z.number().int(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  /** By name, see workloads.ts. */
  workload: z.string(),
  types: z.array(z.string()),
  name: z.string(),
  atMs: EpochMs,
  warmMs: z.number().min(0),
  measureMs: z.number().min(1),
  /** The processes whose CPU is told. */
  pids: z.array(z.number().int()),
});
export type Order = z.infer<typeof Order>;

export const Sending = z.object({
  /** Requests that were sent and answered, warm-up included: numbers 0 to one below. */
  sent: z.number().int(),
  /** Answers other than 200 or 204, and connections that ended: none of these is expected. */
  failed: z.array(z.string()),
  /** As the answers say; 0 where they do not tell. */
  accepted: z.number().int(),
  duplicates: z.number().int(),
  /** Within the measured time. */
  requests: z.number().int(),
  seconds: z.number(),
  /** Of the server, within the measured time; null where the system does not tell. */
  cpuMs: z.number().nullable(),
  /** Milliseconds; of requests that were sent within the measured time. */
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
});
export type Sending = z.infer<typeof Sending>;
