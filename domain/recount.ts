/**
 * The recount of one part: what its rows hold, recomputed from the rows' own columns and from nothing else.
 * The auditor and the `verify` command both count with it, and compare with what the manifest says.
 *
 * It shares the fingerprint and the parsers with the edge that wrote the rows: a fault in those stays invisible here.
 */
import { utf8Length } from "./event/utf8.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { PartContent } from "./manifest.ts";
import { ContentCounter } from "./part-content.ts";
import { type CountedRow, PartRows, type RowFault } from "./part-row.ts";

/** Remembers identities; `domain/identity-set.ts` is one. */
export interface Identities {
  /** True if the fingerprint was not there yet. */
  add(fingerprint: Uint8Array): boolean;
}

export interface Recount {
  readonly content: PartContent;
  /** Lines that are no row of this stream. */
  readonly badRows: number;
  /** Rows whose identity came before. */
  readonly repeatedRows: number;
  /** The first few of both, to name them. */
  readonly faults: readonly { readonly row: number; readonly detail: string }[];
}

/** Faults named per part; the rest is only counted. */
const faultsNamedMax = 5;

/** Takes the text of one part in pieces of any size, or the rows of a Parquet part; call `finish` once. */
export class PartRecount {
  readonly #type: string;
  readonly #identities: Identities;
  readonly #rows = new PartRows();
  readonly #counter = new ContentCounter();
  readonly #faults: { row: number; detail: string }[] = [];
  #rest = "";
  #lines = 0;
  /** Of the text, but for lines that are no row. */
  #plainBytes = 0;
  #badRows = 0;
  #repeatedRows = 0;

  /** `identities` holds those of the parts before; give one set to all parts of a bucket. */
  constructor(type: string, identities: Identities) {
    this.#type = type;
    this.#identities = identities;
  }

  /** `bytes`: how many were decoded for this text. Their reader knows; counting them here took a sixth of a recount. */
  addText(text: string, bytes: number): void {
    this.#plainBytes += bytes;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!this.#count(this.#rows.ofLine(line))) this.#plainBytes -= utf8Length(line) + 1;
    }
  }

  /** A row of a Parquet part: its `countedColumns`. */
  addColumns(columns: Readonly<Record<string, unknown>>): void {
    this.#count(this.#rows.ofColumns(columns));
  }

  finish(): Recount {
    if (this.#rest !== "") {
      this.#plainBytes -= utf8Length(this.#rest);
      this.#count("the last row does not end in a line break");
    }
    this.#rest = "";
    return {
      content: { ...this.#counter.content(), plainBytes: this.#plainBytes },
      badRows: this.#badRows,
      repeatedRows: this.#repeatedRows,
      faults: this.#faults,
    };
  }

  /** False: it is no row of this stream. */
  #count(row: CountedRow | RowFault): boolean {
    this.#lines++;
    const fault = typeof row === "string" ? row : this.#faultOfType(row);
    if (typeof row === "string" || fault !== null) {
      this.#badRows++;
      this.#name(fault ?? "");
      return false;
    }
    const fingerprint = fingerprintOf(row.identity);
    if (!this.#identities.add(fingerprint)) {
      this.#repeatedRows++;
      this.#name("the event's identity came before");
    }
    this.#counter.add(fingerprint, 0, row.homeHourNumber, row.timeMs, 0, row.schemaVersion);
    return true;
  }

  #faultOfType({ identity }: CountedRow): RowFault | null {
    return identity.type === this.#type ? null : `the event is of type ${JSON.stringify(identity.type)}`;
  }

  #name(detail: string): void {
    if (this.#faults.length < faultsNamedMax) this.#faults.push({ row: this.#lines, detail });
  }
}
