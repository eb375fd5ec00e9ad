/** `history`: every change of streams, newest first, as a log. */
import * as z from "zod";
import { type Api, call } from "../local/client.ts";
import { Change, changeLines } from "./render.ts";

const History = z.looseObject({
  versions: z.array(
    z.looseObject({
      version: z.number(),
      author: z.string(),
      keyId: z.string(),
      note: z.string(),
      changedAt: z.string(),
      changes: z.array(Change),
    }),
  ),
  next: z.number().nullable(),
});

export async function history(api: Api, type: string | null, limit: number): Promise<number> {
  const query = new URLSearchParams({ limit: String(limit), ...(type === null ? {} : { type }) });
  const { versions, next } = History.parse(await call(api, "GET", `/v1/stream-changes?${query.toString()}`));
  for (const { version, author, keyId, note, changedAt, changes } of versions) {
    const who = author === "" ? `key ${keyId}` : `${author} (key ${keyId})`;
    console.log(`version ${version}, ${changedAt}, by ${who}${note === "" ? "" : `: ${note}`}`);
    for (const change of changes) for (const line of changeLines(change)) console.log(`  ${line}`);
  }
  if (versions.length === 0) console.log("no change yet");
  if (next !== null) console.log(`older ones: --limit, up to 100`);
  return 0;
}
