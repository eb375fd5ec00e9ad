/** Which system a command talks to, and with which key: `--url`, `--key` or HOURSEAL_KEY, or what `npm start` keeps. */
import { BadArgument } from "./arguments.ts";
import type { Api } from "./client.ts";
import { adminKeyPath, keptKey } from "./kept-keys.ts";

export const apiUsage = (scope: string): string => `  --url URL        default http://127.0.0.1:8787
  --key KEY        ${scope}; better in HOURSEAL_KEY; default: the one npm start keeps in --data
  --data DIR       where npm start keeps its keys (default .hourseal)`;

/** For `parseArgs`. */
export const apiOptions = {
  url: { type: "string", default: "http://127.0.0.1:8787" },
  key: { type: "string" },
  data: { type: "string", default: ".hourseal" },
} as const;

export function apiOf(
  given: { readonly url: string; readonly key?: string | undefined; readonly data: string },
  env: Readonly<Record<string, string | undefined>>,
  scope: string,
): Api {
  const { url } = given;
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new BadArgument(`--url takes a URL, not ${url}`);
  const key = given.key ?? env["HOURSEAL_KEY"] ?? keptKey(adminKeyPath(given.data));
  if (!key) throw new BadArgument(`give ${scope} in HOURSEAL_KEY or --key, or --data of npm start`);
  return { url: url.replace(/\/+$/, ""), key };
}
