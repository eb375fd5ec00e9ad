/**
 * The shard's state as lines, page by page (domain/shard-export.ts). Reads only: a blank shard stays blank, and says so.
 * What is stored and does not add up is exported as a `fault`, and the rest goes on: who looks wants to see that, too.
 */
import { unpackTags } from "../../domain/commit.ts";
import { utf8Length } from "../../domain/event/utf8.ts";
import { bytesToHex, fingerprintBytes } from "../../domain/fingerprint.ts";
import { epochMs, isoOf } from "../../domain/hour.ts";
import { type ShardAddress, holderName } from "../../domain/ids.ts";
import { PackedRows, claims as claimsOfRow } from "../../domain/packed-rows.ts";
import {
  type ExportCursor,
  type ExportPage,
  type ExportSection,
  cursorText,
  exportSections,
} from "../../domain/shard-export.ts";
import type { ShardState, ShardStore, StoredBatch, StoredForeign } from "./store.ts";

/** The lines of one stored record, which no page divides. */
interface Stored {
  readonly seq: number;
  readonly lines: readonly string[];
}

/** One page, which ends with the record that fills `bytesMax`. */
export function exportPage(
  address: ShardAddress,
  state: ShardState,
  store: ShardStore,
  cursor: ExportCursor | null,
  bytesMax: number,
): ExportPage {
  const lines = cursor === null ? [headLine(address, state, store)] : [];
  if (state.phase === "blank") return { text: textOf([...lines, endLine(cursor !== null)]), next: null };
  const mark = cursor?.mark ?? store.exportMark();
  let bytes = 0;
  for (const section of exportSections.slice(cursor === null ? 0 : exportSections.indexOf(cursor.section))) {
    const after = section === cursor?.section ? cursor.seq : 0;
    for (const { seq, lines: added } of storedIn[section](store, after)) {
      for (const line of added) {
        lines.push(line);
        bytes += utf8Length(line) + 1;
      }
      if (bytes >= bytesMax) return { text: textOf(lines), next: cursorText({ section, seq, mark }) };
    }
  }
  return { text: textOf([...lines, endLine(store.exportMark() !== mark)]), next: null };
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function headLine(address: ShardAddress, state: ShardState, store: ShardStore): string {
  const { type, hour, index } = address;
  const deliveries = store.deliveries().map((delivery) => ({
    ...delivery,
    ...store.held(delivery.hour),
    strays: store.strays(delivery.hour),
  }));
  return JSON.stringify({
    record: "shard",
    shard: holderName(address),
    type,
    hour,
    index,
    ...state,
    deliveries,
  });
}

function endLine(changed: boolean): string {
  return JSON.stringify({ record: "end", changed });
}

const storedIn: Readonly<Record<ExportSection, (store: ShardStore, after: number) => Iterable<Stored>>> = {
  *part(store, after) {
    for (const part of store.partsAfter(after))
      yield { seq: part.no, lines: [JSON.stringify({ record: "part", ...part })] };
  },
  tags: (store, after) => tagRecords(store.tagsAfter("batch", after), "batch"),
  foreign_tags: (store, after) => tagRecords(store.tagsAfter("foreign_batch", after), "foreign"),
  *claim(store, after) {
    for (const { seq, owner, fingerprints } of store.claimsAfter(after)) {
      const record = { record: "claim", owner, fingerprints: fingerprintsOf(fingerprints) };
      yield { seq, lines: [JSON.stringify(record)] };
    }
  },
  *answer(store, after) {
    for (const { seq, home, granted, denied } of store.answers(after)) {
      const record = { record: "answer", home, granted, denied: fingerprintsOf(denied) };
      yield { seq, lines: [JSON.stringify(record)] };
    }
  },
  *foreign(store, after) {
    for (const batch of store.waitingAfter(after)) yield { seq: batch.seq, lines: foreignLines(batch) };
  },
  *row(store, after) {
    for (const batch of store.batchesAfter(after)) yield { seq: batch.seq, lines: rowLines(batch) };
  },
};

function* tagRecords(
  batches: Iterable<{ readonly seq: number; readonly tags: Uint8Array }>,
  of: "batch" | "foreign",
): Generator<Stored> {
  for (const { seq, tags } of batches)
    yield { seq, lines: [JSON.stringify({ record: "tags", [of]: seq, tags: unpackTags(tags) })] };
}

/** Foreign rows that wait for their claims. */
function foreignLines({ seq, hour, movedFrom, rows: stored }: StoredForeign): string[] {
  const rows = PackedRows.read(stored);
  if (rows === null) return [faultLine({ foreign: seq, detail: "the packed rows do not add up" })];
  return Array.from({ length: rows.count }, (_, row) => {
    const at = rows.fingerprintAt(row);
    const timeMs = rows.timeMs(row);
    const needed = rows.claims(row);
    const record = {
      record: "foreign",
      foreign: seq,
      hour,
      movedFrom,
      fingerprint: bytesToHex(rows.bytes.subarray(at, at + fingerprintBytes)),
      homeHour: rows.homeHour(row),
      time: Number.isNaN(timeMs) ? null : isoOf(epochMs(timeMs)),
      claims: [
        ...((needed & claimsOfRow.dated) === 0 ? [] : ["dated"]),
        ...((needed & claimsOfRow.undated) === 0 ? [] : ["undated"]),
      ],
    };
    return withLine(record, decoded(rows.line(row)));
  });
}

/** Rows that are sure to be delivered; of those whose payload is dropped, how many they were. */
function rowLines({ seq, hour, kind, rows, fingerprints, payload }: StoredBatch): string[] {
  if (payload === null) return [JSON.stringify({ record: "dropped", batch: seq, hour, kind, rows })];
  const names = fingerprintsOf(fingerprints);
  const lines = decoded(payload).split("\n");
  if (lines.pop() !== "" || lines.length !== names.length)
    return [faultLine({ batch: seq, detail: `${lines.length} lines have ${names.length} identities` })];
  return lines.map((line, at) =>
    withLine({ record: "row", batch: seq, hour, kind, fingerprint: names[at] }, line),
  );
}

/** The row's line stands in it as it will be delivered, character by character. */
function withLine(record: object, line: string): string {
  return `${JSON.stringify(record).slice(0, -1)},"line":${line.trimEnd()}}`;
}

function faultLine(fault: object): string {
  return JSON.stringify({ record: "fault", ...fault });
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}

function fingerprintsOf(packed: Uint8Array): string[] {
  return Array.from({ length: packed.length / fingerprintBytes }, (_, at) =>
    bytesToHex(packed.subarray(at * fingerprintBytes, (at + 1) * fingerprintBytes)),
  );
}
