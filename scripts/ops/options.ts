/** The arguments of `npm run ops`, checked. */
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { isTypeName } from "../../domain/stream.ts";
import { apiOf, apiOptions, apiUsage } from "../local/api-options.ts";
import { BadArgument, hourOf, wholeNumber } from "../local/arguments.ts";
import type { Api } from "../local/client.ts";

const scope = "an admin key; for explain one with the scope read:audit";

export const usage = `npm run ops -- explain STREAM HOUR    why the bucket is what it is, and what to do
npm run ops -- reseal STREAM HOUR     ask a bucket that is due to seal, now
npm run ops -- reaudit STREAM HOUR    audit a sealed bucket once more, from its first part on
npm run ops -- rebuild-part STREAM HOUR [NAME]
                                      put back what R2 has lost of a sealed bucket, byte for byte, while its rows are kept
npm run ops -- abandon STREAM HOUR SHARD
                                      seal a bucket without a shard that can never answer, like 2026-11-23T10/0
npm run ops -- export STREAM HOUR SHARD
                                      what a shard has stored, as lines of JSON, for looking; changes nothing
npm run ops -- rebuild-catalog        put back from R2 what the catalog has lost: streams, keys, hours, verdicts
npm run ops -- freeze                 delete nothing, of any stream or of --type only, until unfreeze
npm run ops -- unfreeze               lift that freeze; what is due is deleted within the hour
npm run ops -- drain STREAM           take no new events of a stream, within half a minute, until undrain
npm run ops -- undrain STREAM         take them again
npm run ops -- actions                what was done by hand, newest first

Whatever changes something only says what it would do, unless --yes is given. Everything can be repeated.

  --yes            do it
  --type STREAM    of freeze and unfreeze: this stream (default: all streams)
  --author NAME    who does it (default: your user name)
  --note TEXT      why
  --limit N        actions that are shown (default 20)
  --dest FILE      of export: where the lines go (default: the output)
  --json           the answers as JSON
${apiUsage(scope)}

exit code: 0 done or explained; 1 it is not: it was refused, the bucket did not seal, or a part is not put back; 2 bad arguments`;

export const commands = [
  "explain",
  "reseal",
  "reaudit",
  "rebuild-part",
  "abandon",
  "export",
  "rebuild-catalog",
  "freeze",
  "unfreeze",
  "drain",
  "undrain",
  "actions",
] as const;
export type Command = (typeof commands)[number];

export interface OpsOptions {
  readonly command: Command;
  readonly type: string;
  /** Null: all streams. */
  readonly frozenType: string | null;
  readonly hour: string;
  /** Of `rebuild-part`: one object of the bucket; null: all of them. Of `abandon`: the shard. */
  readonly name: string | null;
  /** Of `export`: the shard's number, and a file for the lines; null: the output. */
  readonly index: number;
  readonly dest: string | null;
  readonly yes: boolean;
  readonly author: string;
  readonly note: string;
  readonly limit: number;
  readonly json: boolean;
  readonly api: Api;
}

export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OpsOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      yes: { type: "boolean", default: false },
      author: { type: "string" },
      note: { type: "string", default: "" },
      type: { type: "string" },
      limit: { type: "string", default: "20" },
      dest: { type: "string" },
      json: { type: "boolean", default: false },
      ...apiOptions,
    },
  });
  const [verb, type = "", hourText, ...rest] = positionals;
  const command = commands.find((known) => known === verb);
  if (command === undefined) throw new BadArgument(`say what to do: ${commands.join(", ")}`);
  const takesBucket = ["explain", "reseal", "reaudit", "rebuild-part", "abandon", "export"].includes(command);
  const takesName = ["rebuild-part", "abandon", "export"].includes(command);
  const takesStream = command === "drain" || command === "undrain";
  const [name = null, ...more] = takesName ? rest : [null, ...rest];
  if (command === "abandon" && (name === null || values.note === ""))
    throw new BadArgument("abandon takes a stream, an hour, a shard as explain names it, and --note");
  const shard = /^(?:(.+)\/)?(\d{1,6})$/.exec(name ?? "");
  if (command === "export" && shard === null)
    throw new BadArgument("export takes a stream, an hour, and a shard: its number, or as explain names it");
  if (values.dest !== undefined && command !== "export") throw new BadArgument("--dest goes with export");
  const takesType = command === "freeze" || command === "unfreeze";
  if (values.type !== undefined && (!takesType || !isTypeName(values.type)))
    throw new BadArgument("--type goes with freeze and unfreeze, and names a stream");
  if (
    more.length > 0 ||
    (!takesBucket && !takesStream && type !== "") ||
    (takesStream && (hourText !== undefined || !isTypeName(type)))
  ) {
    const takes = takesBucket
      ? "a stream and an hour"
      : takesStream
        ? "a stream, like shop.order"
        : "no name";
    throw new BadArgument(`${command} takes ${takes}; quote a name with spaces`);
  }
  // A shard may deliver to a later bucket than its own: its name says which one it is of.
  const hour = hourOf("HOUR", command === "export" ? (shard?.[1] ?? hourText) : hourText) ?? "";
  if (takesBucket && (!isTypeName(type) || hour === ""))
    throw new BadArgument(`${command} takes a stream and an hour, like ${command} shop.order 2026-11-23T10`);
  return {
    command,
    type,
    frozenType: values.type ?? null,
    hour,
    name,
    index: Number(shard?.[2] ?? 0),
    dest: values.dest ?? null,
    yes: values.yes,
    author: values.author ?? userInfo().username,
    note: values.note,
    limit: wholeNumber("limit", values.limit, 1, 100),
    json: values.json,
    api: apiOf(values, env, scope),
  };
}
