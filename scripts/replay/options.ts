/** The arguments of `npm run replay`, checked. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { isUriReference } from "../../domain/event/uri.ts";
import { adminKeyPath, clientKeyPath, keptKey } from "../local/kept-keys.ts";
import { BadArgument, wholeNumber } from "../local/arguments.ts";
import type { Mapping } from "./event.ts";

export const usage = `npm run replay -- FILE… [options]        FILE: NDJSON, plain or gzip

  --type-field NAME    member that becomes the type (default type)
  --id-field NAME      member that becomes the id; without it, or in lines that lack it: <file>:<line>
  --time-field NAME    member that becomes the time: RFC 3339, or seconds since 1970; without it events are undated
  --source NAME        the source of all events, a URI-reference (default replay)
  --register           register every type as a stream first
  --clock              move the virtual clock along the data (local mode)
  --finish             with --clock: at the end, move past the last hour's grace and wait for its audit
  --url URL            default http://127.0.0.1:8787
  --key KEY            a key that may write these types; default: the one npm start keeps in --data
  --admin-key KEY      for --register and --clock; default: the one npm start keeps in --data
  --data DIR           where npm start keeps its keys (default .hourseal)
  --batch N            events per request (default 500)
  --concurrency N      requests at a time (default 4)
  --limit N            stop after N lines`;

export interface ReplayOptions {
  readonly files: readonly string[];
  readonly mapping: Mapping;
  readonly register: boolean;
  readonly clock: boolean;
  readonly finish: boolean;
  readonly url: string;
  readonly key: string;
  readonly adminKey: string | null;
  readonly batch: number;
  readonly concurrency: number;
  readonly limit: number;
}

export function readOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "type-field": { type: "string", default: "type" },
      "id-field": { type: "string" },
      "time-field": { type: "string" },
      source: { type: "string", default: "replay" },
      register: { type: "boolean", default: false },
      clock: { type: "boolean", default: false },
      finish: { type: "boolean", default: false },
      url: { type: "string", default: "http://127.0.0.1:8787" },
      key: { type: "string" },
      "admin-key": { type: "string" },
      data: { type: "string", default: ".hourseal" },
      batch: { type: "string", default: "500" },
      concurrency: { type: "string", default: "4" },
      limit: { type: "string" },
    },
  });
  checkFiles(positionals);
  if (values.source === "" || !isUriReference(values.source)) {
    throw new BadArgument(
      `--source takes a URI-reference, for example github.com/events, not ${values.source}`,
    );
  }
  if (!URL.canParse(values.url)) throw new BadArgument(`--url takes a URL, not ${values.url}`);
  if (values.finish && !values.clock) throw new BadArgument("--finish needs --clock");
  if (values.clock && values["time-field"] === undefined) {
    throw new BadArgument("--clock follows the data's time; name its member with --time-field");
  }
  const adminKey = values["admin-key"] ?? keptKey(adminKeyPath(values.data));
  if ((values.register || values.clock) && adminKey === null) {
    throw new BadArgument(
      "--register and --clock need the admin key: give --admin-key, or --data of npm start",
    );
  }
  const key = values.key ?? keptKey(clientKeyPath(values.data));
  if (key === null) throw new BadArgument("give a key that may write with --key, or --data of npm start");
  return {
    files: positionals,
    mapping: {
      typeField: values["type-field"],
      idField: values["id-field"] ?? null,
      timeField: values["time-field"] ?? null,
      source: values.source,
    },
    register: values.register,
    clock: values.clock,
    finish: values.finish,
    url: values.url.replace(/\/+$/, ""),
    key,
    adminKey,
    batch: wholeNumber("batch", values.batch, 1, 10_000),
    concurrency: wholeNumber("concurrency", values.concurrency, 1, 64),
    limit:
      values.limit === undefined
        ? Number.MAX_SAFE_INTEGER
        : wholeNumber("limit", values.limit, 1, Number.MAX_SAFE_INTEGER),
  };
}

function checkFiles(files: readonly string[]): void {
  if (files.length === 0) throw new BadArgument("name at least one file to replay");
  const names = files.map((file) => basename(file));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new BadArgument(`two files are called ${twice}: ids made from file and line would be the same`);
  }
  const absent = files.find((file) => !existsSync(file));
  if (absent !== undefined) throw new BadArgument(`there is no file ${absent}`);
}
