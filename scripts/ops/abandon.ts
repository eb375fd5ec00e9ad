/** What `abandon` answers, for people. */
import * as z from "zod";

const Answer = z.looseObject({
  shard: z.string(),
  before: z.boolean(),
  answers: z.boolean().optional(),
  why: z.string().nullish(),
  reply: z.looseObject({ state: z.string(), error: z.string().optional() }).optional(),
});

export function abandonedText(answer: unknown): { readonly text: string; readonly sealed: boolean } {
  const { shard, before, answers, why, reply } = Answer.parse(answer);
  const sealed = reply === undefined || reply.state === "sealed";
  if (reply === undefined) {
    const asked = answers === true ? "it answers: try reseal first" : `it does not answer: ${why ?? ""}`;
    const would = `would seal the bucket without shard ${shard} and what it holds, for good; nothing was done, see --yes`;
    return { text: `asked once more, ${asked}\n${before ? "it was abandoned before" : would}`, sealed };
  }
  const said = `shard ${shard} ${before ? "was abandoned before" : "is abandoned"}`;
  const error = reply.error === undefined ? "" : `: ${reply.error}`;
  return { text: `${said}; the bucket answers: ${reply.state}${error}`, sealed };
}
