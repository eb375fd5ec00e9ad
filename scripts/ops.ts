/**
 * `npm run ops`: looks into a bucket and mends it, by the routes under /v1/ops. Changes nothing without `--yes`.
 * Exit code: 0 done or explained, 1 refused or not done, 2 bad arguments.
 */
import * as z from "zod";
import type { Explanation } from "../domain/explain.ts";
import { typeSegment } from "../domain/segment.ts";
import { call } from "./local/client.ts";
import { runCommand } from "./local/command.ts";
import { abandonedText } from "./ops/abandon.ts";
import { exportShard } from "./ops/export.ts";
import { rebuildParts, rebuiltLine } from "./ops/rebuild-part.ts";
import { rebuildCatalog } from "./ops/rebuild.ts";
import { type OpsOptions, readOptions, usage } from "./ops/options.ts";

const Explained: z.ZodType<Pick<Explanation, "summary" | "todo"> & { readonly reasons: readonly Reason[] }> =
  z.looseObject({
    summary: z.string(),
    reasons: z.array(
      z.looseObject({
        what: z.string(),
        where: z.string(),
        since: z.string().nullable(),
        detail: z.string(),
      }),
    ),
    todo: z.array(z.string()),
  });
interface Reason {
  readonly what: string;
  readonly where: string;
  readonly since: string | null;
  readonly detail: string;
}
const Resealed = z.looseObject({
  dryRun: z.boolean(),
  reply: z.looseObject({ state: z.string(), error: z.string().optional() }).optional(),
});
const Frozen = z.looseObject({
  freezes: z.array(
    z.looseObject({ type: z.string().nullable(), since: z.string(), author: z.string(), note: z.string() }),
  ),
});
const Drained = z.looseObject({
  drained: z.looseObject({ since: z.string(), author: z.string(), note: z.string() }).nullable(),
});
const Actions = z.looseObject({
  actions: z.array(
    z.looseObject({
      at: z.string(),
      author: z.string(),
      keyId: z.string(),
      action: z.string(),
      target: z.string(),
      note: z.string(),
      outcome: z.unknown(),
    }),
  ),
});

async function run(options: OpsOptions): Promise<number> {
  const { command, api, type, hour, yes, author, note } = options;
  const bucket = `${typeSegment(type)}/${hour}`;
  const body = { dryRun: !yes, author, note };
  switch (command) {
    case "explain": {
      const answer = await call(api, "GET", `/v1/ops/explain/${bucket}`);
      print(options, answer, () => explanationText(answer));
      return 0;
    }
    case "reseal": {
      const answer = await call(api, "POST", `/v1/ops/reseal/${bucket}`, body);
      const { reply } = Resealed.parse(answer);
      print(options, answer, () =>
        reply === undefined
          ? "would ask the bucket to seal; nothing was done, see --yes"
          : `the bucket answers: ${reply.state}${reply.error === undefined ? "" : `: ${reply.error}`}`,
      );
      return reply === undefined || reply.state === "sealed" ? 0 : 1;
    }
    case "reaudit": {
      const answer = await call(api, "POST", `/v1/ops/reaudit/${bucket}`, body);
      print(options, answer, () =>
        yes ? "queued; the cron audits it within a minute" : "would audit it; nothing was done, see --yes",
      );
      return 0;
    }
    case "abandon": {
      const answer = await call(api, "POST", `/v1/ops/abandon/${bucket}`, { ...body, shard: options.name });
      const { text, sealed } = abandonedText(answer);
      print(options, answer, () => text);
      return sealed ? 0 : 1;
    }
    case "export": {
      const said = await exportShard(api, options);
      if (said !== "") console.error(said);
      return 0;
    }
    case "rebuild-part": {
      const rebuilt = await rebuildParts(api, options, body, (one) => {
        if (!options.json) console.log(rebuiltLine(one));
      });
      if (options.json) console.log(JSON.stringify({ dryRun: !yes, objects: rebuilt }, null, 2));
      else if (!yes) console.log("nothing was done, see --yes");
      return rebuilt.every(({ failed }) => failed === null) ? 0 : 1;
    }
    case "rebuild-catalog": {
      const lines: string[] = [];
      const code = await rebuildCatalog(api, body, (line) => {
        if (options.json) lines.push(line);
        else console.log(line);
      });
      if (options.json) console.log(JSON.stringify({ dryRun: !yes, lines }, null, 2));
      return code;
    }
    case "freeze":
    case "unfreeze": {
      const answer = await call(api, "POST", `/v1/ops/${command}`, { ...body, type: options.frozenType });
      print(options, answer, () => freezeText(options, answer));
      return 0;
    }
    case "drain":
    case "undrain": {
      const answer = await call(api, "POST", `/v1/ops/${command}/${typeSegment(type)}`, body);
      print(options, answer, () => drainText(options, answer));
      return 0;
    }
    case "actions": {
      const answer = await call(api, "GET", `/v1/ops/actions?limit=${options.limit}`);
      print(options, answer, () => Actions.parse(answer).actions.map(actionLine).join("\n"));
      return 0;
    }
  }
}

function print({ json }: OpsOptions, answer: unknown, text: () => string): void {
  console.log(json ? JSON.stringify(answer, null, 2) : text());
}

function explanationText(answer: unknown): string {
  const { summary, reasons, todo } = Explained.parse(answer);
  return [
    summary,
    ...reasons.map(
      ({ what, where, since, detail }) =>
        `  ${what}: ${where}${since === null ? "" : `, since ${since}`}: ${detail}`,
    ),
    ...(todo.length === 0 ? [] : ["to do:", ...todo.map((line) => `  ${line}`)]),
  ].join("\n");
}

function freezeText({ command, frozenType, yes }: OpsOptions, answer: unknown): string {
  const { freezes } = Frozen.parse(answer);
  const what = frozenType === null ? "all streams" : JSON.stringify(frozenType);
  const done = command === "freeze" ? `of ${what} nothing is deleted` : `the freeze of ${what} is lifted`;
  const would = `would ${command} ${what}; nothing was done, see --yes`;
  return [
    yes ? done : would,
    freezes.length === 0 ? "nothing is frozen" : "frozen:",
    ...freezes.map(
      ({ type, since, author, note }) =>
        `  ${type === null ? "all streams" : JSON.stringify(type)} since ${since}, by ${author}${note === "" ? "" : `: ${note}`}`,
    ),
  ].join("\n");
}

function drainText({ command, type, yes }: OpsOptions, answer: unknown): string {
  const { drained } = Drained.parse(answer);
  const what = JSON.stringify(type);
  const is =
    drained === null
      ? `${what} takes events`
      : `${what} takes no new events since ${drained.since}, drained by ${drained.author || "somebody"}${drained.note === "" ? "" : `: ${drained.note}`}`;
  return yes
    ? `${is}; every edge that can read its snapshot goes by it within half a minute`
    : `${is}; would ${command} it; nothing was done, see --yes`;
}

function actionLine(action: z.infer<typeof Actions>["actions"][number]): string {
  const { at, author, keyId, action: name, target, note, outcome } = action;
  const said = outcome === null ? "interrupted: its outcome is not known" : JSON.stringify(outcome);
  return `${at} ${name} ${target} by ${author} (key ${keyId})${note === "" ? "" : `: ${note}`}\n    ${said}`;
}

process.exitCode = await runCommand({ name: "ops", usage, failedCode: 1 }, process.argv.slice(2), (args) =>
  run(readOptions(args, process.env)),
);
