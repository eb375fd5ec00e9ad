/**
 * `npm run deploy`: creates the catalog database if there is none, applies its migrations, deploys the Worker.
 * Migrations come first, so that a new Worker never meets an old catalog; they must therefore suit the old Worker too.
 * wrangler creates the R2 bucket on the first deploy, from its name in wrangler.toml; D1 needs its id before that.
 * Safe to repeat. Needs `wrangler login`, or CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.
 */
import * as z from "zod";
import { readProjectConfig } from "./local/config.ts";
import { runWrangler, showWrangler } from "./local/wrangler.ts";

const Databases = z.array(z.looseObject({ name: z.string() }));

class DeployFailed extends Error {
  override readonly name = "DeployFailed";
}

/** The wrangler commands of a deploy, in order. */
function deploySteps(catalog: string, databases: readonly string[]): string[][] {
  const create = databases.includes(catalog) ? [] : [["d1", "create", catalog]];
  return [...create, ["d1", "migrations", "apply", catalog, "--remote"], ["deploy", "--env", ""]];
}

async function databasesOf(configPath: string): Promise<string[]> {
  const { code, output } = await runWrangler(["d1", "list", "--json"], configPath);
  const start = output.indexOf("[");
  if (code !== 0 || start === -1) {
    throw new DeployFailed(
      `cannot list D1 databases; run \`npm exec wrangler login\`, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID\n${output}`,
    );
  }
  return Databases.parse(JSON.parse(output.slice(start))).map((database) => database.name);
}

async function deploy(): Promise<void> {
  const { path, catalog } = readProjectConfig();
  for (const step of deploySteps(catalog.name, await databasesOf(path))) {
    console.log(`wrangler ${step.join(" ")}`);
    if ((await showWrangler(step, path)) !== 0)
      throw new DeployFailed(`\`wrangler ${step.join(" ")}\` failed; nothing after it was done`);
  }
  console.log("Deployed. The first time, set the admin key: npm exec wrangler secret put HOURSEAL_ADMIN_KEY");
}

try {
  if (process.argv.length > 2)
    throw new DeployFailed("takes no arguments; wrangler.toml says what is deployed");
  await deploy();
} catch (error) {
  console.error(`deploy: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
