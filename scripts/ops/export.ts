/** `export`: a shard's state, page after page, to the output or into a file that bears its name once it is whole. */
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { typeSegment } from "../../domain/segment.ts";
import { type Api, callText } from "../local/client.ts";

export interface ExportOf {
  readonly type: string;
  readonly hour: string;
  readonly index: number;
  /** Null: the output. */
  readonly dest: string | null;
}

/** What to say to people; empty if the lines themselves went to the output. */
export async function exportShard(api: Api, { type, hour, index, dest }: ExportOf): Promise<string> {
  const out = dest === null ? process.stdout : createWriteStream(`${dest}.partial`);
  let lines = 0;
  let after = "";
  for (;;) {
    const path = `/v1/ops/export/${typeSegment(type)}/${hour}/${index}${after}`;
    const { text, headers } = await callText(api, "GET", path);
    lines += text.split("\n").length - 1;
    if (!out.write(text)) await once(out, "drain");
    const next = headers.get("hourseal-next");
    if (next === null) break;
    after = `?after=${encodeURIComponent(next)}`;
  }
  if (dest === null) return "";
  out.end();
  await finished(out);
  await rename(`${dest}.partial`, dest);
  return `${lines} lines in ${dest}`;
}
