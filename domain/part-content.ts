/** Adding up what a run of rows holds: the figures of a batch, and of the part that batches become. */
import { IdentitySum } from "./fingerprint.ts";
import { type EpochMs, hourOfNumber, isoOf } from "./hour.ts";
import type { PartContent } from "./manifest.ts";
import type { PackedRows } from "./packed-rows.ts";
import { schemaVersionOf } from "./row-line.ts";

/** Counts rows one by one into a `PartContent`. */
export class ContentCounter {
  #rows = 0;
  #bytes = 0;
  readonly #sum = new IdentitySum();
  readonly #homeHours = new Map<number, number>();
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;
  readonly #schemaVersions = new Map<number, number>();

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `timeMs` is NaN for an undated row; `schemaVersion` 0 for one that was not checked. */
  add(
    fingerprint: Uint8Array,
    at: number,
    homeHourNumber: number,
    timeMs: number,
    lineBytes: number,
    schemaVersion: number,
  ): void {
    this.#rows++;
    this.#bytes += lineBytes;
    this.#sum.addFingerprint(fingerprint, at);
    this.#homeHours.set(homeHourNumber, (this.#homeHours.get(homeHourNumber) ?? 0) + 1);
    if (timeMs < this.#minMs) this.#minMs = timeMs;
    if (timeMs > this.#maxMs) this.#maxMs = timeMs;
    if (schemaVersion > 0)
      this.#schemaVersions.set(schemaVersion, (this.#schemaVersions.get(schemaVersion) ?? 0) + 1);
  }

  addRow(rows: PackedRows, row: number): void {
    this.add(
      rows.bytes,
      rows.fingerprintAt(row),
      rows.homeHourNumber(row),
      rows.timeMs(row),
      rows.lineBytes(row),
      schemaVersionOf(rows.bytes, rows.lineAt(row), rows.lineAt(row + 1)),
    );
  }

  content(): PartContent {
    const hours = [...this.#homeHours].toSorted(([a], [b]) => a - b);
    return {
      tally: { rows: this.#rows, sum: this.#sum.hex() },
      plainBytes: this.#bytes,
      homeHours: Object.fromEntries(hours.map(([number, rows]) => [hourOfNumber(number), rows])),
      minTime: this.#minMs === Number.POSITIVE_INFINITY ? null : isoOf(this.#minMs as EpochMs),
      maxTime: this.#maxMs === Number.NEGATIVE_INFINITY ? null : isoOf(this.#maxMs as EpochMs),
      ...schemaVersionsOf(this.#schemaVersions),
    };
  }
}

function schemaVersionsOf(rows: ReadonlyMap<number, number>): Pick<PartContent, "schemaVersions"> {
  if (rows.size === 0) return {};
  return { schemaVersions: Object.fromEntries([...rows].toSorted(([a], [b]) => a - b)) };
}

/** What several runs of rows hold together. Times are in one written form, so text order is time order. */
export function addContents(contents: Iterable<PartContent>): PartContent {
  const sum = new IdentitySum();
  const homeHours = new Map<string, number>();
  let rows = 0;
  let plainBytes = 0;
  let minTime: string | null = null;
  let maxTime: string | null = null;
  const schemaVersions = new Map<number, number>();
  for (const content of contents) {
    rows += content.tally.rows;
    sum.addHex(content.tally.sum);
    plainBytes += content.plainBytes;
    for (const [hour, count] of Object.entries(content.homeHours))
      homeHours.set(hour, (homeHours.get(hour) ?? 0) + count);
    if (content.minTime !== null && (minTime === null || content.minTime < minTime))
      minTime = content.minTime;
    if (content.maxTime !== null && (maxTime === null || content.maxTime > maxTime))
      maxTime = content.maxTime;
    for (const [version, count] of Object.entries(content.schemaVersions ?? {}))
      schemaVersions.set(Number(version), (schemaVersions.get(Number(version)) ?? 0) + count);
  }
  return {
    tally: { rows, sum: sum.hex() },
    plainBytes,
    homeHours: Object.fromEntries([...homeHours].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    minTime,
    maxTime,
    ...schemaVersionsOf(schemaVersions),
  };
}
