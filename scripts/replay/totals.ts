/** What a replay counts, and the table at its end. */
import type { Sent } from "./send.ts";

export class Totals {
  lines = 0;
  sent = 0;
  accepted = 0;
  duplicates = 0;
  /** Of `duplicates`: in batches one of whose replies was lost, so maybe stored by this very replay. */
  duplicatesAfterLoss = 0;
  late = 0;
  quarantined = 0;
  retries = 0;
  readonly #refused = new Map<string, { count: number; example: string }>();
  readonly #unmapped = new Map<string, { count: number; example: string }>();

  add(events: number, { replies, replyLost }: Sent): void {
    this.sent += events;
    for (const reply of replies) {
      this.accepted += reply.accepted;
      this.duplicates += reply.duplicates;
      if (replyLost) this.duplicatesAfterLoss += reply.duplicates;
      this.late += reply.late;
      this.quarantined += reply.quarantined;
      for (const { code, detail } of reply.refused) count(this.#refused, code, detail);
    }
  }

  addUnmapped(where: string, why: string): void {
    count(this.#unmapped, why, where);
  }

  get refused(): number {
    return total(this.#refused);
  }

  get unmapped(): number {
    return total(this.#unmapped);
  }

  /** Every event sent must be answered as one of these. */
  get unanswered(): number {
    return this.sent - this.accepted - this.duplicates - this.quarantined - this.refused;
  }

  get clean(): boolean {
    return this.refused === 0 && this.unmapped === 0 && this.unanswered === 0;
  }

  table(): string {
    const rows: [string, number, string][] = [
      ["sent", this.sent, this.retries === 0 ? "" : `${this.retries} retries`],
      ["accepted", this.accepted, this.late === 0 ? "" : `${this.late} of them late`],
      [
        "duplicates",
        this.duplicates,
        this.duplicatesAfterLoss === 0
          ? ""
          : `${this.duplicatesAfterLoss} in batches sent again, as no reply came`,
      ],
      ["refused", this.refused, ""],
      ...[...this.#refused].map(([code, { count: n, example }]) => row(`  ${code}`, n, example)),
    ];
    if (this.quarantined > 0) rows.push(["quarantined", this.quarantined, ""]);
    if (this.unmapped > 0) rows.push(["lines not sent", this.unmapped, ""]);
    for (const [why, { count: n, example }] of this.#unmapped) rows.push(row("", n, `${why} (${example})`));
    if (this.unanswered !== 0) rows.push(["NOT ANSWERED", this.unanswered, "the reply does not add up"]);
    return rows
      .map(([name, n, note]) => `${name.padEnd(16)}${String(n).padStart(9)}  ${note}`.trimEnd())
      .join("\n");
  }
}

function row(name: string, n: number, note: string): [string, number, string] {
  return [name, n, note];
}

function count(map: Map<string, { count: number; example: string }>, key: string, example: string): void {
  const entry = map.get(key);
  if (entry === undefined) map.set(key, { count: 1, example });
  else entry.count++;
}

function total(map: ReadonlyMap<string, { readonly count: number }>): number {
  return [...map.values()].reduce((sum, entry) => sum + entry.count, 0);
}
