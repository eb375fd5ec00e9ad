/** The arguments of `npm run report`, checked. */
import { parseArgs } from "node:util";
import { Fault } from "../../domain/verdict.ts";
import { apiOf, apiOptions, apiUsage } from "../local/api-options.ts";
import { BadArgument, hourOf } from "../local/arguments.ts";
import type { Api } from "../local/client.ts";

const scope = "a key with the scope read:audit";

export const usage = `npm run report -- [STREAM] [options]

Whether everything is there, and if not, what is missing, since when and why.

  --owner NAME     only streams of this owner
  --from HOUR      first hour, like 2026-11-23T10, or a date (default: a month back)
  --to HOUR        first hour that is no longer looked at (default: up to now)
  --verdict V      only ${Fault.options.join(", ")}; several with commas
  --json           the report as JSON, in the form of report.schema.json, all pages in one
  --schema         that schema, and nothing else
${apiUsage(scope)}

exit code: 0 everything is there, as far as was asked; 1 something is not; 2 bad arguments; 3 it cannot be known: the
system does not answer, or not with a report`;

export interface ReportOptions {
  readonly schema: boolean;
  readonly json: boolean;
  readonly query: URLSearchParams;
  readonly api: Api;
}

export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReportOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      owner: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      verdict: { type: "string" },
      json: { type: "boolean", default: false },
      schema: { type: "boolean", default: false },
      ...apiOptions,
    },
  });
  const [type, ...others] = positionals;
  if (others.length > 0)
    throw new BadArgument("name one stream, or none for all; quote one with spaces in it");
  for (const verdict of values.verdict?.split(",") ?? []) {
    if (!Fault.safeParse(verdict).success)
      throw new BadArgument(`--verdict takes ${Fault.options.join(", ")}, not ${JSON.stringify(verdict)}`);
  }
  const query = new URLSearchParams();
  const asked = {
    type,
    owner: values.owner,
    from: hourOf("from", values.from),
    to: hourOf("to", values.to),
    verdict: values.verdict,
  };
  for (const [name, value] of Object.entries(asked)) if (typeof value === "string") query.set(name, value);
  return {
    schema: values.schema,
    json: values.json,
    query,
    api: values.schema ? { url: values.url, key: "" } : apiOf(values, env, scope),
  };
}
