/**
 * Two kinds of tests: `node` for what needs no platform, `workerd` for what runs on the real runtime with its own
 * SQLite, R2, D1 and alarms. Storage in `workerd` is fresh per file, not per test: name streams and hours per test.
 */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Every core: most files wait for a runtime that they started, and one core idle doubles the time on a machine of two.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "node",
          // Properties and crash matrices on a machine that other work shares.
          testTimeout: 30_000,
          include: ["test/{domain,dashboard,ingest,contract,crash,simulation,repo}/**/*.test.ts"],
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
          testTimeout: 30_000,
          include: ["test/workerd/**/*.test.ts"],
          setupFiles: ["test/workerd/setup.ts"],
        },
      },
      {
        // The composition of local mode, with its virtual clock.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml", environment: "local" },
            miniflare: { bindings: { HOURSEAL_ADMIN_KEY: "the-admin-key-of-these-tests" } },
          }),
        ],
        test: { name: "local", include: ["test/local/**/*.test.ts"] },
      },
      {
        // The dashboard in a real Chromium; skipped where there is none.
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The scripts, and the built system as processes of their own: seconds each.
        test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
