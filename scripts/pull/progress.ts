/**
 * What a pull shows while it runs: a line for every hour that it brought or could not bring, on stdout; and how far it
 * is, on stderr: on a terminal in one line that is written over, elsewhere as a plain line now and then.
 */
import type { Part } from "../../domain/manifest.ts";
import type { PulledHour } from "../../domain/pull/outcome.ts";
import { hourLine, sizeOf } from "./report.ts";

const terminalEveryMs = 100;
const plainEveryMs = 10_000;

/** Where lines go. */
export interface Output {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Where the line that is written over goes; null if nobody watches. */
  readonly terminal: { readonly write: (text: string) => unknown } | null;
}

export class Progress {
  readonly #output: Output;
  readonly #startedMs = Date.now();
  #shownMs = Date.now();
  #hours = 0;
  #settled = 0;
  #expectedBytes = 0;
  #bytes = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** More hours to look at. */
  hours(count: number): void {
    this.#hours += count;
  }

  /** These parts will be downloaded. */
  expect(parts: readonly Part[]): void {
    this.#expectedBytes += parts.reduce((sum, part) => sum + part.bytes, 0);
    this.#show();
  }

  bytes(count: number): void {
    this.#bytes += count;
    this.#show();
  }

  /** What became of an hour. Hours that were there already, and those that have expired, are told of at the end. */
  settled(hour: PulledHour): void {
    this.#settled++;
    const { result } = hour;
    if (result.outcome === "there" ? result.fresh : result.outcome !== "expired") {
      this.clear();
      this.#output.out(hourLine(hour));
    }
    this.#show();
  }

  note(text: string): void {
    this.clear();
    this.#output.err(`note: ${text}`);
  }

  clear(): void {
    this.#output.terminal?.write("\r\u001b[K");
  }

  #show(): void {
    const now = Date.now();
    const { terminal, err } = this.#output;
    if (now - this.#shownMs < (terminal === null ? plainEveryMs : terminalEveryMs)) return;
    this.#shownMs = now;
    if (terminal === null) err(this.#line(now));
    else terminal.write(`\r\u001b[K${this.#line(now)}`);
  }

  #line(now: number): string {
    const rate = this.#bytes / Math.max(1, (now - this.#startedMs) / 1_000);
    const bytes = `${sizeOf(this.#bytes)} of ${sizeOf(this.#expectedBytes)}, ${sizeOf(rate)}/s`;
    return `${this.#settled} of ${this.#hours} hours, ${bytes}`;
  }
}
