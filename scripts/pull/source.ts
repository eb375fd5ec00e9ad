/** The buckets of one stream as the HTTP API serves them: the listing, manifests and parts. Nothing here writes. */
import * as z from "zod";
import { type Hour, HourText } from "../../domain/hour.ts";
import { type Part } from "../../domain/manifest.ts";
import { encodeSegment, typeSegment } from "../../domain/segment.ts";
import type { HourRange, ListedBucket } from "../../domain/pull/hours.ts";
import type { Api } from "../local/client.ts";
import { CorruptSource, Expired, Refused } from "./failures.ts";
import { type Problem, codeOf, get, problemOf } from "./request.ts";

const Listing = z.looseObject({
  buckets: z.array(
    z.looseObject({
      hour: HourText,
      state: z.string(),
      verdict: z.string().nullable(),
      manifestSha256: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
});

export type FoundManifest =
  | { readonly found: "manifest"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly found: "before_stream"; readonly firstHour: Hour }
  /** The stream was removed, and this hour and all later ones are none of its. */
  | { readonly found: "after_stream" }
  | {
      readonly found: "not_sealed" | "overdue";
      readonly dueAt: string;
      readonly untilDueMs: number;
      readonly detail: string;
    }
  | { readonly found: "lost"; readonly detail: string };

export class BucketSource {
  readonly #api: Api;
  readonly #type: string;

  constructor(api: Api, type: string) {
    this.#api = api;
    this.#type = type;
  }

  /** Every bucket of the range that the catalog knows, oldest first. */
  async list({ from, to }: HourRange): Promise<ListedBucket[]> {
    const found: ListedBucket[] = [];
    let after: string | null = null;
    do {
      const query = new URLSearchParams({ type: this.#type, limit: "1000" });
      if (from !== null) query.set("from", from);
      if (to !== null) query.set("to", to);
      if (after !== null) query.set("after", after);
      const reply = await get(this.#api, `/v1/buckets?${query.toString()}`);
      if (!reply.ok) throw await unexpected(reply);
      const page = Listing.parse(await reply.json());
      for (const { hour, state, verdict, manifestSha256 } of page.buckets) {
        found.push({ hour, sealed: state === "sealed", verdict, manifestSha256 });
      }
      after = page.next;
    } while (after !== null);
    return found;
  }

  /** The manifest's bytes as they lie in R2, or why there is none. */
  async manifest(hour: Hour): Promise<FoundManifest> {
    const reply = await get(this.#api, this.#path(hour));
    if (reply.ok) return { found: "manifest", bytes: new Uint8Array(await reply.arrayBuffer()) };
    const problem = await problemOf(reply);
    switch (codeOf(problem)) {
      case "not_sealed":
        return notSealed(problem);
      case "before_stream":
        return { found: "before_stream", firstHour: HourText.parse(problem.firstHour) };
      case "after_stream":
        return { found: "after_stream" };
      case "conflict":
        return { found: "lost", detail: problem.detail };
      default:
        throw refusedBy(reply, problem);
    }
  }

  /**
   * The part's bytes from `fromByte` on, or all of them if the server starts over; `fromByte` of the answer says which.
   * The signal ends the request and the body.
   */
  async part(
    hour: Hour,
    part: Part,
    fromByte: number,
    signal: AbortSignal,
  ): Promise<{ readonly fromByte: number; readonly body: AsyncIterable<Uint8Array> }> {
    const name = part.key.slice(part.key.lastIndexOf("/") + 1);
    const range = { Range: `bytes=${fromByte}-`, "If-Range": `"${part.sha256}"` };
    const path = `${this.#path(hour)}/parts/${encodeSegment(name)}`;
    const reply = await get(this.#api, path, fromByte === 0 ? {} : range, signal);
    const body: AsyncIterable<Uint8Array> = reply.body ?? new ReadableStream();
    if (reply.status === 200) return { fromByte: 0, body };
    const begins = reply.headers.get("content-range")?.startsWith(`bytes ${fromByte}-`) === true;
    if (reply.status === 206 && begins) return { fromByte, body };
    const problem = await problemOf(reply);
    if (reply.status === 410) throw new Expired(problem.detail);
    // A part that the manifest lists is there, or the source has lost it.
    if (reply.status === 404 || reply.status === 409 || reply.status === 416)
      throw new CorruptSource(problem.detail);
    throw refusedBy(reply, problem);
  }

  #path(hour: Hour): string {
    return `/v1/buckets/${typeSegment(this.#type)}/${hour}`;
  }
}

function notSealed({ dueAt = "", now = "", overdue = false, detail }: Problem): FoundManifest {
  const untilDueMs = Date.parse(dueAt) - Date.parse(now);
  return {
    found: overdue ? "overdue" : "not_sealed",
    dueAt,
    untilDueMs: Number.isFinite(untilDueMs) ? untilDueMs : 0,
    detail,
  };
}

async function unexpected(reply: Response): Promise<Refused> {
  return refusedBy(reply, await problemOf(reply));
}

function refusedBy(reply: Response, problem: Problem): Refused {
  return new Refused(`${new URL(reply.url).origin} answered ${reply.status}: ${problem.detail}`);
}
