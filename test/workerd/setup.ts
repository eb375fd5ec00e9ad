/** Brings the catalog of a test file to the newest tables. */
import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.CATALOG, env.MIGRATIONS);
