/** Running the flusher of a measured system until nothing is left to do. */
import type { Hour } from "../domain/hour.ts";
import { readReport } from "../scripts/local/audit-report.ts";
import type { Api } from "../scripts/local/client.ts";

const runsMax = 50;

/** Resolves when every hour up to this one is balanced; throws if one is not, or not after 50 runs. */
export async function untilBalanced(admin: Api, hour: Hour, runOnce: () => Promise<unknown>): Promise<void> {
  for (let run = 1; ; run++) {
    await runOnce();
    const { unsettled, balanced, text } = await readReport(admin, hour);
    if (unsettled === 0 && balanced) return;
    if (run === runsMax || unsettled === 0) throw new Error(`not every hour is balanced: ${text}`);
  }
}
