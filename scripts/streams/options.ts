/** The arguments of `npm run streams`, checked. */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import type { EventType } from "../../domain/ids.ts";
import { TypeName } from "../../domain/stream.ts";
import { neverRenamed } from "../../domain/stream-change.ts";
import type { Hour } from "../../domain/hour.ts";
import { BadArgument, hourOf, wholeNumber } from "../local/arguments.ts";
import type { Api } from "../local/client.ts";
import { adminKeyPath, clientKeyPath, keptKey } from "../local/kept-keys.ts";

export const usage = `npm run streams -- plan [FILE]       what the file would change; FILE: default streams.yaml
npm run streams -- apply [FILE]      change it, all or nothing
npm run streams -- list              every stream
npm run streams -- show TYPE         one stream, as it stands in a file
npm run streams -- quotas            what is used of every quota, of streams and of keys
npm run streams -- history [TYPE]    every change, newest first
npm run streams -- quarantine TYPE   what of a stream is in quarantine, in hours that are sealed
npm run streams -- replay-quarantine TYPE
                                     post it again, each event as it was; safe to repeat
npm run streams -- schema            the JSON Schema of the file

  --remove TYPE   of plan and apply: also remove this stream; may be given several times. Without FILE and
                  streams.yaml, do nothing else
  --base N        apply only if the streams still are at version N, as plan said
  --author NAME   who makes the change (default: your user name)
  --note TEXT     why
  --limit N       versions that history shows (default 20)
  --from HOUR     of quarantine: first hour, like 2026-11-23T10, or a date (default: the first)
  --to HOUR       of quarantine: first hour that is no longer wanted (default: up to the last sealed one)
  --url URL       default http://127.0.0.1:8787
  --key KEY       an admin key; default: the one npm start keeps in --data
  --client KEY    the key that replays, which may write the type; default: the one npm start keeps in --data
  --data DIR      where npm start keeps its keys (default .hourseal)`;

export const commands = [
  "plan",
  "apply",
  "list",
  "show",
  "quotas",
  "history",
  "quarantine",
  "replay-quarantine",
  "schema",
] as const;
export type Command = (typeof commands)[number];

export interface StreamsOptions {
  readonly command: Command;
  /** A file or a type. */
  readonly operand: string | null;
  /** Streams to remove. */
  readonly remove: readonly EventType[];
  readonly base: number | null;
  readonly author: string;
  readonly note: string;
  readonly limit: number;
  readonly from: Hour | null;
  readonly to: Hour | null;
  readonly api: Api;
  /** Posts events; its key is empty where none is posted. */
  readonly client: Api;
}

export function readOptions(args: readonly string[]): StreamsOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      remove: { type: "string", multiple: true, default: [] },
      base: { type: "string" },
      author: { type: "string" },
      note: { type: "string", default: "" },
      limit: { type: "string", default: "20" },
      from: { type: "string" },
      to: { type: "string" },
      client: { type: "string" },
      url: { type: "string", default: "http://127.0.0.1:8787" },
      key: { type: "string" },
      data: { type: "string", default: ".hourseal" },
    },
  });
  const [name, operand = null, ...more] = positionals;
  if (name === "rename") throw new BadArgument(`it is not renamed: ${neverRenamed}`);
  const command = commands.find((known) => known === name);
  if (command === undefined) throw new BadArgument(`say what to do: ${commands.join(", ")}`);
  const takesNone = command === "list" || command === "quotas" || command === "schema";
  if (more.length > 0 || (takesNone && operand !== null)) {
    throw new BadArgument(`${command} takes ${takesNone ? "no" : "one"} name; quote one with spaces in it`);
  }
  if (takesType.has(command) && operand === null)
    throw new BadArgument(`${command} takes the type of a stream`);
  const changes = command === "plan" || command === "apply";
  if (values.remove.length > 0 && !changes) throw new BadArgument("--remove goes with plan and apply");
  if (!URL.canParse(values.url)) throw new BadArgument(`--url takes a URL, not ${values.url}`);
  const url = values.url.replace(/\/+$/, "");
  return {
    command,
    operand: changes ? fileOf(operand, values.remove.length > 0) : operand,
    remove: values.remove.map(typeOf),
    base: values.base === undefined ? null : wholeNumber("base", values.base, 0, Number.MAX_SAFE_INTEGER),
    author: values.author ?? userInfo().username,
    note: values.note,
    limit: wholeNumber("limit", values.limit, 1, 100),
    from: hourOf("from", values.from),
    to: hourOf("to", values.to),
    api: { url, key: command === "schema" ? "" : keyOf(values) },
    client: { url, key: command === "replay-quarantine" ? clientKeyOf(values) : "" },
  };
}

const takesType: ReadonlySet<Command> = new Set(["show", "quarantine", "replay-quarantine"]);

function clientKeyOf({
  client,
  data,
}: {
  readonly client?: string | undefined;
  readonly data: string;
}): string {
  const found = client ?? keptKey(clientKeyPath(data));
  if (found === null)
    throw new BadArgument("give a key that may write with --client, or --data of npm start");
  return found;
}

function typeOf(name: string): EventType {
  const type = TypeName.safeParse(name);
  if (!type.success) throw new BadArgument(`--remove takes a type: ${type.error.issues[0]?.message ?? name}`);
  return type.data;
}

/** Null: none is given, and none is needed. */
function fileOf(operand: string | null, optional: boolean): string | null {
  if (operand === null && optional && !existsSync("streams.yaml")) return null;
  const file = operand ?? "streams.yaml";
  if (!existsSync(file)) throw new BadArgument(`there is no file ${file}`);
  return file;
}

function keyOf({ key, data }: { readonly key?: string | undefined; readonly data: string }): string {
  const found = key ?? keptKey(adminKeyPath(data));
  if (found === null) throw new BadArgument("give an admin key with --key, or --data of npm start");
  return found;
}
