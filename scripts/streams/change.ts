/** `plan` and `apply`: a file against the streams that are there. What is refused is shown where it stands in the file. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import type { EventType } from "../../domain/ids.ts";
import type { Setting } from "../../domain/stream-change.ts";
import { fileNames } from "../../domain/streams-file.ts";
import { type Api, call } from "../local/client.ts";
import { type StreamsFileText, readStreamsFile } from "./file.ts";
import { Change, changeLines, countsLine } from "./render.ts";

export interface Wanted extends StreamsFileText {
  readonly path: string;
  readonly remove: readonly EventType[];
}

/** The file's streams, none without a file, and those to remove; null if the file has faults, which are printed then. */
export function readWanted(path: string | null, remove: readonly EventType[]): Wanted | null {
  if (path === null) return { path: "", streams: [], placeOf: () => null, remove };
  const readBeside = (named: string): string => readFileSync(resolve(dirname(path), named), "utf8");
  const reading = readStreamsFile(readFileSync(path, "utf8"), readBeside);
  if (reading.ok) return { ...reading.file, path, remove };
  for (const { line, column, path: where, message } of reading.faults) {
    console.error(`${path}:${line}:${column}: ${where === "" ? "" : `${where}: `}${message}`);
  }
  console.error(`streams: ${path} has ${reading.faults.length} faults; nothing was changed`);
  return null;
}

const Refused = z.array(
  z.looseObject({ type: z.string(), setting: z.string().nullable(), reason: z.string() }),
);
const Plan = z.looseObject({ base: z.number(), changes: z.array(Change), refused: Refused });
const Applied = z.looseObject({ version: z.number(), changes: z.array(Change) });

export async function plan(api: Api, wanted: Wanted): Promise<number> {
  const planned = await ask(api, wanted);
  if (planned === null) return 1;
  console.log(
    planned.changes.length === 0
      ? `nothing to change; the streams are at version ${planned.base}`
      : `${countsLine(planned.changes)}; based on version ${planned.base}`,
  );
  return 0;
}

export async function apply(
  api: Api,
  wanted: Wanted,
  by: { readonly base: number | null; readonly author: string; readonly note: string },
): Promise<number> {
  const planned = await ask(api, wanted);
  if (planned === null) return 1;
  if (planned.changes.length === 0 && by.base === null) {
    console.log(`nothing to change; the streams are at version ${planned.base}`);
    return 0;
  }
  const { author, note } = by;
  const body = {
    streams: wanted.streams,
    remove: wanted.remove,
    base: by.base ?? planned.base,
    author,
    note,
  };
  // Repeating it is safe: what is there already is no change.
  const { version, changes } = Applied.parse(await call(api, "POST", "/v1/stream-changes", body));
  console.log(`applied: ${countsLine(changes)}; the streams are at version ${version}`);
  return 0;
}

/** Asks what the file would do and prints it. Null: it is refused, and the reasons are printed. */
async function ask(api: Api, wanted: Wanted): Promise<z.infer<typeof Plan> | null> {
  const { streams, remove } = wanted;
  const planned = Plan.parse(await call(api, "POST", "/v1/stream-changes/plan", { streams, remove }));
  for (const change of planned.changes) for (const line of changeLines(change)) console.log(line);
  if (planned.refused.length === 0) return planned;
  for (const { type, setting, reason } of planned.refused) {
    const name = setting === null ? null : (fileNames[setting as Setting] ?? setting);
    const place = wanted.placeOf(type, name);
    const at = place === null ? "--remove" : `${wanted.path}:${place.line}:${place.column}`;
    const where = `streams.${JSON.stringify(type)}${name === null ? "" : `.${name}`}`;
    console.error(`${at}: ${where}: ${reason}`);
  }
  console.error(`streams: refused; nothing was changed`);
  return null;
}
