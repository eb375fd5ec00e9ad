/**
 * Two kinds of tests: `node` for what needs no platform, `workerd` for what runs on the real runtime with its own
 * SQLite, R2, D1 and alarms. Storage in `workerd` is fresh per file, not per test: name streams and hours per test.
 */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/{domain,ingest,contract,crash,simulation,repo}/**/*.test.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                HOURSEAL_ADMIN_KEY: "the-admin-key-of-these-tests",
                MIGRATIONS: await readD1Migrations("./migrations"),
              },
            },
          })),
        ],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          setupFiles: ["test/workerd/setup.ts"],
        },
      },
    ],
  },
});
