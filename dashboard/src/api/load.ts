/** What the pages ask for. */
import { typeSegment } from "../../../domain/segment.ts";
import type { BucketReply } from "../../../domain/view/bucket.ts";
import type { GridLine, GridReply } from "../../../domain/view/grid.ts";
import type { StreamReply } from "../../../domain/view/stream.ts";
import type { TrendReply } from "../../../domain/view/trend.ts";
import { plusHours } from "../model/hours.ts";
import type { Answer, Asker } from "./ask.ts";
import type { Load } from "./use-polled.ts";

export interface Grid {
  readonly from: string;
  readonly hours: number;
  readonly streams: readonly GridLine[];
}

/** Pages of one grid: more streams than any edge holds would be a fault of the Worker. */
const pagesMax = 100;

/** All pages of the grid, as one. The same object as before, if no page has changed. */
export function gridLoader(hours: number): Load<Grid> {
  let last: { readonly pages: readonly GridReply[]; readonly grid: Grid } | null = null;
  return async (asker, signal) => {
    const pages: GridReply[] = [];
    let after: string | null = null;
    let nowMs: number | null = null;
    do {
      // The pages after the first one are of the same hours, even if a new hour begins between them.
      const { from } = firstOf(pages);
      const more: string =
        after === null ? "" : `&to=${plusHours(from, hours)}&after=${encodeURIComponent(after)}`;
      const answer: Answer<GridReply> = await asker.get(`v1/audit/grid?hours=${hours}${more}`, signal);
      if (!answer.ok) return answer;
      pages.push(answer.value);
      nowMs = answer.nowMs;
      after = answer.value.next;
    } while (after !== null && pages.length < pagesMax);
    const same =
      last?.pages.length === pages.length && pages.every((page, index) => page === last?.pages[index]);
    if (last === null || !same)
      last = { pages, grid: { ...firstOf(pages), streams: pages.flatMap(({ streams }) => streams) } };
    return { ok: true, value: last.grid, nowMs };
  };
}

function firstOf(pages: readonly GridReply[]): { readonly from: string; readonly hours: number } {
  const [first] = pages;
  return { from: first?.from ?? "", hours: first?.hours ?? 0 };
}

export function loadTrend(hours: number): Load<TrendReply> {
  return (asker, signal) => asker.get(`v1/audit/trend?hours=${hours}`, signal);
}

export function loadStream(type: string, hours: number): Load<StreamReply> {
  return (asker, signal) => asker.get(`v1/audit/streams/${typeSegment(type)}?hours=${hours}`, signal);
}

export function loadBucket(type: string, hour: string): Load<BucketReply> {
  return (asker, signal) => asker.get(`v1/audit/buckets/${typeSegment(type)}/${hour}`, signal);
}

export interface KeysReply {
  readonly keys: readonly {
    readonly id: string;
    readonly scopes: readonly string[];
    readonly note: string;
    readonly createdAt: string;
    readonly expiresAt: string | null;
    readonly owner: string;
    readonly revokedAt: string | null;
  }[];
}

export function loadKeys(asker: Asker, signal: AbortSignal): Promise<Answer<KeysReply>> {
  return asker.get("v1/keys", signal);
}

export interface FreezesReply {
  readonly freezes: readonly {
    /** Null: all streams. */
    readonly type: string | null;
    readonly since: string;
    readonly author: string;
    readonly note: string;
  }[];
}

export function loadFreezes(asker: Asker, signal: AbortSignal): Promise<Answer<FreezesReply>> {
  return asker.get("v1/ops/freezes", signal);
}
