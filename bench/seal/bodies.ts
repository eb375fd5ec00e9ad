/** Requests of events of about 500 bytes that compress about as well as logs do: words that come again, in any order. */
import { isoOf, type EpochMs } from "../../domain/hour.ts";
import { randomOf } from "../../scripts/crash/random.ts";

const wordCount = 2_000;
const wordsPerEvent = 38;

const words = ((): readonly [string, ...string[]] => {
  const random = randomOf(7);
  const word = (): string =>
    Array.from({ length: random.between(4, 11) }, () => String.fromCharCode(random.between(97, 122))).join(
      "",
    );
  return [word(), ...Array.from({ length: wordCount - 1 }, word)];
})();

export interface Batch {
  readonly type: string;
  /** The number of its first event, from which its ids come. */
  readonly first: number;
  readonly events: number;
  readonly atMs: EpochMs;
}

export function bodyOf({ type, first, events, atMs }: Batch): string {
  const random = randomOf(first);
  const time = isoOf(atMs);
  let body = "";
  for (let no = first; no < first + events; no++) {
    const text = Array.from({ length: wordsPerEvent }, () => random.pick(words)).join(" ");
    body += `{"specversion":"1.0","id":"seal-${no}","source":"//clients.example/${no % 97}","type":"${type}","time":"${time}","data":{"no":${no},"text":"${text}"}}\n`;
  }
  return body;
}
