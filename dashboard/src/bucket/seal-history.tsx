/** How the seal goes: what the bucket waits for, and what failed last. */
import type { SealHistory as History } from "../../../domain/view/bucket.ts";
import { countText } from "../model/format.ts";
import { momentLabel } from "../model/hours.ts";

const phases: Readonly<Record<NonNullable<History["phase"]>, string>> = {
  planned: "planned: its plan is fixed, and nobody enrolled",
  open: "open: takes rows",
  sealing: "sealing: collects receipts, then writes the manifest",
  sealed: "sealed",
};

export function SealHistory({ seal }: { readonly seal: History }) {
  return (
    <section aria-labelledby="seal">
      <h2 id="seal">Seal</h2>
      <dl class="facts">
        <dt>The bucket says</dt>
        <dd>{seal.phase === null ? "nothing: no row reached it, or it has retired" : phases[seal.phase]}</dd>
        <dt>Shards enrolled</dt>
        <dd>{seal.shards.length === 0 ? "none" : countText(seal.shards.length)}</dd>
        <dt>Waits for receipts of</dt>
        <dd>
          {seal.missingReceipts.length === 0 || seal.phase !== "sealing"
            ? "none"
            : seal.missingReceipts.join(", ")}
        </dd>
        <dt>Failed attempts</dt>
        <dd>{countText(seal.failedAttempts)}</dd>
        {seal.lastError !== null && (
          <>
            <dt>Last failure</dt>
            <dd>
              {seal.lastStep !== null && <code>{seal.lastStep}</code>} {seal.lastError}
            </dd>
          </>
        )}
        {seal.failingSince !== null && (
          <>
            <dt>Failing since</dt>
            <dd>
              <time dateTime={seal.failingSince}>{momentLabel(seal.failingSince)}</time>
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
