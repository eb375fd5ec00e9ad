/** The ways in which the demo's clients send: every content mode of the CloudEvents HTTP binding, and then some. */
import { gzipSync } from "node:zlib";
import { unreachable } from "../../domain/refusal.ts";
import type { Api } from "../local/client.ts";
import { type BatchReply, answerOf } from "../replay/send.ts";

/** What a request carries of an event. */
export interface SendableEvent {
  /** Context attributes but `specversion` and `datacontenttype`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: object;
}

interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export const formats = ["batch", "ndjson-gzip", "array", "structured", "binary"] as const;
export type Format = (typeof formats)[number];

/** The requests that carry these events in this format; single events take a request each. */
export function requestsOf(format: Format, events: readonly SendableEvent[]): Body[] {
  const texts = events.map(structured);
  switch (format) {
    case "batch":
      return [{ headers: typed("application/cloudevents-batch+json"), body: `[${texts.join(",")}]` }];
    case "array":
      return [{ headers: typed("application/json"), body: `[${texts.join(",\n")}]` }];
    case "ndjson-gzip":
      return [
        {
          headers: { ...typed("application/x-ndjson"), "Content-Encoding": "gzip" },
          body: new Uint8Array(gzipSync(`${texts.join("\n")}\n`)),
        },
      ];
    case "structured":
      return texts.map((body) => ({ headers: typed("application/cloudevents+json"), body }));
    case "binary":
      return events.map(binary);
    default:
      return unreachable(format);
  }
}

function structured({ attributes, data }: SendableEvent): string {
  return JSON.stringify({ specversion: "1.0", ...attributes, datacontenttype: "application/json", data });
}

function binary({ attributes, data }: SendableEvent): Body {
  const headers = typed("application/json");
  headers["ce-specversion"] = "1.0";
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = percentEncoded(value);
  return { headers, body: JSON.stringify(data) };
}

/** CloudEvents HTTP binding 3.1.3.2: what is no printable ASCII, a space, a quote or a percent sign is encoded. */
function percentEncoded(value: string): string {
  return value.replaceAll(/[^!#$&-~]/gu, (char) => encodeURIComponent(char));
}

function typed(contentType: string): Record<string, string> {
  return { "Content-Type": contentType };
}

export interface Counts {
  accepted: number;
  duplicates: number;
  refused: number;
  retries: number;
}

const triesMax = 10;

/** Posts one request until it is answered for good. `loseReplyFirst`: the client hangs up on the first try. */
export async function post(api: Api, request: Body, counts: Counts, loseReplyFirst = false): Promise<void> {
  if (loseReplyFirst) {
    await fetchEvents(api, request, AbortSignal.timeout(3)).then(
      (reply) => reply.body?.cancel(),
      () => undefined,
    );
    counts.retries++;
  }
  for (let tries = 1; tries <= triesMax; tries++) {
    const reply = await fetchEvents(api, request, AbortSignal.timeout(30_000));
    const answer = answerOf(reply.status, reply.headers.get("Retry-After"), await reply.text());
    if (answer.reply !== null && answer.reply.failed.length === 0) {
      add(counts, answer.reply);
      return;
    }
    if (answer.waitMs === null) throw new Error(`the edge answered ${answer.why}`);
    counts.retries++;
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, answer.waitMs ?? 0)));
  }
  throw new Error(`a request was not taken in ${triesMax} tries`);
}

function fetchEvents(api: Api, { headers, body }: Body, signal: AbortSignal): Promise<Response> {
  const authorization = { Authorization: `Bearer ${api.key}` };
  return fetch(`${api.url}/v1/events`, {
    method: "POST",
    headers: { ...authorization, ...headers },
    body,
    signal,
  });
}

function add(counts: Counts, reply: BatchReply): void {
  counts.accepted += reply.accepted;
  counts.duplicates += reply.duplicates;
  counts.refused += reply.refused.length;
}
