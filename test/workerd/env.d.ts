/** What vitest.config.ts adds to the Worker's bindings. */
import type { D1Migration } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      readonly HOURSEAL_ADMIN_KEY: string;
      readonly MIGRATIONS: D1Migration[];
    }
  }
}
