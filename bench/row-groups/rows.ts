/** The rows that are encoded, as lines: of generated events, or of a file's. */
import { epochMs, hourOf, isoOf } from "../../domain/hour.ts";
import { rowLine } from "../../domain/row-line.ts";
import { linesOf as linesOfText } from "../../domain/parquet/writer.ts";
import { type Mapping, mapLine } from "../../scripts/replay/event.ts";
import { linesOf } from "../../scripts/replay/lines.ts";
import { startMs } from "../cost/system.ts";
import { bodyOf } from "../seal/bodies.ts";

export interface Rows {
  readonly count: number;
  readonly plainBytes: number;
  /** Without their line breaks. */
  readonly lines: readonly string[];
}

const type = "row.groups";
const hourMs = 3_600_000;

/** Events of about 500 bytes by 97 sources, spread over one hour in the order of their times. */
export function generatedRows(count: number): Rows {
  const lines: string[] = [];
  const perMs = Math.max(1, Math.ceil(count / hourMs));
  for (let first = 0; first < count; first += perMs) {
    const atMs = epochMs(startMs + Math.floor((first / count) * hourMs));
    const events = Math.min(perMs, count - first);
    for (const json of linesOfText(bodyOf({ type, first, events, atMs }))) lines.push(lineOf(json, atMs));
  }
  return rowsOf(lines);
}

/** The events that `npm run replay` makes of the file, all of them in one stream. */
export async function rowsOfFile(path: string, mapping: Mapping): Promise<Rows> {
  const lines: string[] = [];
  for await (const line of linesOf(path)) {
    const event = mapLine(line, mapping);
    if (!event.ok) throw new Error(`${path}, line ${line.no}: ${event.reason}`);
    lines.push(lineOf(event.value.json, event.value.timeMs ?? startMs));
  }
  return rowsOf(lines);
}

function lineOf(json: string, atMs: ReturnType<typeof epochMs>): string {
  return rowLine(json, isoOf(atMs), hourOf(atMs)).slice(0, -1);
}

function rowsOf(lines: readonly string[]): Rows {
  const plainBytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  return { count: lines.length, plainBytes, lines };
}
