/**
 * Requests as bytes, each with identities of its own, cheap enough that one core fills another one: what repeats is
 * written once, and the digits of each event's number are put in.
 */
import { gzipSync } from "node:zlib";
import { eventOf } from "../cost/load.ts";
import type { EpochMs } from "../../domain/hour.ts";
import { type Workload, eventNumber, sources } from "./workloads.ts";

export interface BodyOptions {
  readonly workload: Workload;
  /** Types to spread events among; as many as the workload has streams. */
  readonly types: readonly string[];
  /** What the ids begin with. */
  readonly name: string;
  readonly atMs: EpochMs;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Digits of an event's number in its id. */
export const numberDigits = 12;

/** How the types of a request's events shift from one request to the next. */
const shifts = 3;
const templateCount = sources * shifts;
const placeholder = "#".repeat(numberDigits);
const ZERO = 48;

interface Template {
  readonly bytes: Buffer;
  /** Where each event's digits begin. */
  readonly digitsAt: readonly number[];
}

export class Bodies {
  readonly #options: BodyOptions;
  readonly #templates: readonly Template[];

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#templates = Array.from({ length: templateCount }, (_, no) => templateOf(options, no));
  }

  /** One HTTP request, head and body. */
  request(no: number): Buffer {
    const template = this.#templates[no % templateCount];
    if (template === undefined) throw new RangeError(`no request ${no}`);
    const { workload } = this.#options;
    const bytes = Buffer.from(template.bytes);
    template.digitsAt.forEach((end, at) => {
      writeDigits(bytes, end, eventNumber(workload, no, at));
    });
    // The fastest level: the generator's core must not be the bottleneck.
    return workload.gzip ? withHead(this.#options, gzipSync(bytes, { level: 1 })) : bytes;
  }
}

/** With its head, unless the body is compressed afterwards. */
function templateOf(options: BodyOptions, no: number): Template {
  const { workload, types, name, atMs } = options;
  const shift = (no % shifts) * Math.ceil(types.length / shifts);
  const events = Array.from({ length: workload.eventsPerRequest }, (_, at) =>
    eventOf({
      id: `${name}-${placeholder}`,
      source: `//clients.example/${no % sources}`,
      type: types[(at + shift) % types.length] ?? "",
      atMs,
      no: at,
    }),
  );
  const body = Buffer.from(JSON.stringify(events));
  const bytes = workload.gzip ? body : withHead(options, body);
  const digitsAt: number[] = [];
  for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder, at + numberDigits)) {
    digitsAt.push(at);
  }
  return { bytes, digitsAt };
}

function withHead({ path, headers, workload }: BodyOptions, body: Buffer): Buffer {
  const all = {
    ...headers,
    ...(workload.gzip ? { "Content-Encoding": "gzip" } : {}),
    "Content-Type": "application/cloudevents-batch+json",
    "Content-Length": String(body.length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nHost: bench\r\n${lines.join("")}\r\n`), body]);
}

function writeDigits(bytes: Buffer, at: number, number: number): void {
  let rest = number;
  for (let digit = at + numberDigits - 1; digit >= at; digit--) {
    bytes[digit] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
