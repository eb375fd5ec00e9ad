/** `rebuild-part`: the manifest of a sealed bucket, each of its parts, and its mark, one after the other; or one of them. */
import * as z from "zod";
import { typeSegment } from "../../domain/segment.ts";
import { type Api, ApiFailed, call } from "../local/client.ts";

const Answer = z.looseObject({
  object: z.string(),
  state: z.enum(["sound", "unsigned", "altered", "lost"]),
  keeper: z.string(),
  parts: z.array(z.string()),
  put: z.boolean().optional(),
});
type Answer = z.infer<typeof Answer>;

/** What became of one object; `failed`: it is not what was sealed, and could not be put back. */
export interface Rebuilt {
  readonly object: string;
  readonly answer: Answer | null;
  readonly failed: string | null;
}

const manifest = "_manifest.json";
/** Put back last, and only if the rest is there: it says that the hour may be read. */
const mark = "_SUCCESS";

export async function rebuildParts(
  api: Api,
  bucket: { readonly type: string; readonly hour: string; readonly name: string | null },
  body: { readonly dryRun: boolean; readonly author: string; readonly note: string },
  say: (rebuilt: Rebuilt) => void,
): Promise<readonly Rebuilt[]> {
  const done: Rebuilt[] = [];
  const one = async (object: string): Promise<Rebuilt> => {
    const path = `/v1/ops/rebuild-part/${typeSegment(bucket.type)}/${bucket.hour}/${encodeURIComponent(object)}`;
    const rebuilt = await call(api, "POST", path, body).then(
      (answer) => ({ object, answer: Answer.parse(answer), failed: null }),
      (error: unknown) => {
        if (!(error instanceof ApiFailed) || error.status !== 409) throw error;
        return { object, answer: null, failed: error.message };
      },
    );
    done.push(rebuilt);
    say(rebuilt);
    return rebuilt;
  };
  if (bucket.name !== null) {
    await one(bucket.name);
    return done;
  }
  const { answer } = await one(manifest);
  for (const part of answer?.parts ?? []) await one(part);
  if (done.every(({ failed }) => failed === null)) await one(mark);
  return done;
}

export function rebuiltLine({ object, answer, failed }: Rebuilt): string {
  if (answer === null) return `${object}: ${failed}`;
  const { state, keeper, put } = answer;
  if (state === "sound") return `${object}: sound`;
  if (put === true) return `${object}: was ${state}; put back as it was sealed, by the ${keeper}`;
  return `${object}: ${state}; would be put back as it was sealed, by the ${keeper}`;
}
