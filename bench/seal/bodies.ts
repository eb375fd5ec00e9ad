/** Requests of events of about 500 bytes that compress about as well as logs do: words that come again, in any order. */
import { isoOf, type EpochMs } from "../../domain/hour.ts";

const wordCount = 2_000;
const wordsPerEvent = 38;

/** A generator of its own, so that each run sends the same: xorshift, 32 bits. */
function numbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const words = ((): readonly string[] => {
  const next = numbers(7);
  return Array.from({ length: wordCount }, () =>
    Array.from({ length: 4 + (next() % 8) }, () => String.fromCharCode(97 + (next() % 26))).join(""),
  );
})();

export interface Batch {
  readonly type: string;
  /** The number of its first event, from which its ids come. */
  readonly first: number;
  readonly events: number;
  readonly atMs: EpochMs;
}

export function bodyOf({ type, first, events, atMs }: Batch): string {
  const next = numbers(first + 1);
  const time = isoOf(atMs);
  let body = "";
  for (let no = first; no < first + events; no++) {
    const text = Array.from({ length: wordsPerEvent }, () => words[next() % wordCount] ?? "").join(" ");
    body += `{"specversion":"1.0","id":"seal-${no}","source":"//clients.example/${no % 97}","type":"${type}","time":"${time}","data":{"no":${no},"text":"${text}"}}\n`;
  }
  return body;
}
