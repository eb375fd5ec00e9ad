/**
 * Reading `streams.yaml`: the streams it wants, or every fault in it with its line and column, and what is allowed.
 * Takes the file apart by its own tree, so that a fault is shown where it stands and a type can be any string.
 */
import {
  LineCounter,
  type Node,
  type Pair,
  type YAMLMap,
  isMap,
  isNode,
  isScalar,
  parseDocument,
} from "yaml";
import * as z from "zod";
import { nearMatches } from "../../domain/near.ts";
import { type Result, no, ok } from "../../domain/refusal.ts";
import { TypeName } from "../../domain/stream.ts";
import type { NamedSettings } from "../../domain/stream-change.ts";
import { StreamEntry, settingsOfEntry } from "../../domain/streams-file.ts";

export interface FileFault {
  readonly line: number;
  readonly column: number;
  /** Where in the document: `streams."demo.hello".grace`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** Where a stream and its settings stand. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface StreamsFileText {
  readonly streams: readonly NamedSettings[];
  /** The place of a stream's setting, by its name in the file; of the stream if it is not written there; null: nor is that. */
  readonly placeOf: (type: string, setting: string | null) => Place | null;
}

/** Reads what a path in the file names, from where the file is. Throws with the reason if it cannot. */
export type ReadBeside = (path: string) => string;

export type FileReading =
  | { readonly ok: true; readonly file: StreamsFileText }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

export function readStreamsFile(text: string, readBeside: ReadBeside): FileReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults: FileFault[] = document.errors.map(({ pos, message }) => ({
    ...placeAt(pos[0]),
    path: "",
    message,
  }));
  if (faults.length > 0) return { ok: false, faults };
  const fault = (node: unknown, path: string, message: string): void => {
    faults.push({ ...placeAt(startOf(node)), path, message });
  };

  const root = document.contents;
  const list = streamsNode(root, fault);
  addRepeated(list, "streams", fault);
  const streams: NamedSettings[] = [];
  const places = new Map<string, { readonly key: unknown; readonly value: unknown }>();
  for (const { key, value } of list?.items ?? []) {
    const type = typeOf(key, fault);
    if (type === null) continue;
    places.set(type, { key, value });
    const path = `streams.${JSON.stringify(type)}`;
    addRepeated(value, path, fault);
    const written: unknown = isNode(value) ? (value.toJS(document) ?? {}) : {};
    const whole = withSchema(written, readBeside);
    if (!whole.ok) {
      fault(pairOf(value, "schema")?.value ?? key, `${path}.schema`, whole.reason);
      continue;
    }
    const entry = StreamEntry.safeParse(whole.value);
    if (entry.success) streams.push({ type, settings: settingsOfEntry(entry.data) });
    else for (const issue of entry.error.issues) addIssue(issue, key, value, path, fault);
  }
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    file: {
      streams,
      placeOf: (type, setting) => {
        const place = places.get(type);
        if (place === undefined) return null;
        const node = setting === null ? null : pairOf(place?.value, setting)?.value;
        return placeAt(startOf(node ?? place?.key));
      },
    },
  };
}

/** The entry with its schema in place of the schema's path. */
function withSchema(entry: unknown, readBeside: ReadBeside): Result<unknown, string> {
  const named = NamesSchema.safeParse(entry);
  if (!named.success) return ok(entry);
  const path = named.data.schema;
  try {
    return ok({ ...named.data, schema: JSON.parse(readBeside(path)) as unknown });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return no(`it names ${path}, which cannot be read as JSON: ${why}`);
  }
}

const NamesSchema = z.looseObject({ schema: z.string().min(1) });

/** Of two settings of one name YAML would keep the last, and nobody would know which one was meant. */
function addRepeated(map: unknown, path: string, fault: AddFault): void {
  const seen = new Set<unknown>();
  for (const { key } of isMap(map) ? map.items : []) {
    const name = isScalar(key) ? key.value : key;
    if (seen.has(name) && name !== "<<")
      fault(key, `${path}.${JSON.stringify(name)}`, "it stands here twice; keep one");
    seen.add(name);
  }
}

type AddFault = (node: unknown, path: string, message: string) => void;

function streamsNode(root: Node | null, fault: AddFault): YAMLMap | null {
  const allowed = "the file is a mapping with one key, `streams`";
  if (!isMap(root)) {
    fault(root, "", allowed);
    return null;
  }
  for (const { key } of root.items) {
    if (!isScalar(key) || key.value !== "streams") fault(key, String(key), `it is not known; ${allowed}`);
  }
  const list = pairOf(root, "streams");
  if (list === null) fault(root, "", allowed);
  else if (isMap(list.value)) return list.value;
  else
    fault(
      list.value ?? list.key,
      "streams",
      "takes a mapping of types to their settings; `{}` if there is none",
    );
  return null;
}

/** A key that YAML reads as something else than a string would be another type than the one that is written. */
function typeOf(key: unknown, fault: AddFault): NamedSettings["type"] | null {
  if (!isScalar(key) || typeof key.value !== "string") {
    fault(key, `streams.${String(key)}`, 'a type is a string; write it in quotes, for example "404"');
    return null;
  }
  const type = TypeName.safeParse(key.value);
  if (type.success) return type.data;
  fault(key, `streams.${JSON.stringify(key.value)}`, type.error.issues[0]?.message ?? "it is no type");
  return null;
}

function addIssue(
  issue: z.core.$ZodIssue,
  key: unknown,
  value: unknown,
  path: string,
  fault: AddFault,
): void {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(StreamEntry.shape);
    for (const name of issue.keys) {
      const [near] = nearMatches(name, known, 1);
      const meant = near === undefined ? "" : `did you mean ${near}? `;
      fault(
        pairOf(value, name)?.key ?? key,
        `${path}.${name}`,
        `it is no setting; ${meant}allowed: ${known.join(", ")}`,
      );
    }
    return;
  }
  const [setting, ...rest] = issue.path.map(String);
  if (setting === undefined) {
    fault(value ?? key, path, "takes a mapping of settings, or nothing for all defaults");
    return;
  }
  const pair = pairOf(value, setting);
  fault(pair?.value ?? pair?.key ?? key, [path, setting, ...rest].join("."), issue.message);
}

function pairOf(map: unknown, name: string): Pair | null {
  if (!isMap(map)) return null;
  return map.items.find(({ key }) => isScalar(key) && key.value === name) ?? null;
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}
