/** The object class: builds a ledger on its own storage and the real outside, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import { EpochMs, type Hour } from "../../domain/hour.ts";
import { EdgeId, EventType, ledgerOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import {
  type BucketAccount,
  type LedgerTotals,
  type LedgerUse,
  Report,
  type ReportReply,
} from "../../domain/ledger.ts";
import type { LedgerRpc } from "../../domain/messages.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { awaitsAudit } from "../../platform/catalog/audits.ts";
import { readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { log } from "../../platform/log.ts";
import { type LogEnv, objectSpans } from "../../platform/span.ts";
import { Ledger } from "./ledger.ts";

/** True while a bucket of the hour waits for its audit. Throws if that cannot be known. */
async function isAwaited(env: EdgeLedgerEnv, hour: Hour): Promise<boolean> {
  return awaitsAudit(env.CATALOG, hour, await readClock(env));
}

export type EdgeLedgerEnv = LogEnv & DeletionEnv;

export class EdgeLedger extends DurableObject<EdgeLedgerEnv> implements LedgerRpc {
  readonly #ledger: Ledger;

  constructor(ctx: DurableObjectState, env: EdgeLedgerEnv) {
    super(ctx, env);
    const { hour } =
      ledgerOfName(ctx.id.name ?? "") ?? broken("a ledger was reached by another name than ledgerName()");
    this.#ledger = new Ledger(ctx.storage, {
      now: () => readClock(env),
      armAlarm: (at, now) => armAlarm(ctx, env, { class: "EdgeLedger", name: ctx.id.name ?? "" }, at, now),
      // It holds what is of every stream, and no audit is made up for once it is gone.
      mayDelete: async () => (await mayDelete(env, null)) && !(await isAwaited(env, hour)),
      abort: (reason) => {
        ctx.abort(reason);
      },
      log: (event, fields) => {
        log("ledger", event, { name: ctx.id.name, ...fields });
      },
    });
  }

  open(edge: EdgeId, retireAtMs: number): Promise<void> {
    return this.#ledger.open(EdgeId.parse(edge), EpochMs.parse(retireAtMs));
  }

  report(report: Report): Promise<ReportReply> {
    return this.#ledger.report(Report.parse(report));
  }

  account(type: EventType): Promise<BucketAccount> {
    return this.#ledger.account(EventType.parse(type));
  }

  totals(): Promise<LedgerTotals> {
    return this.#ledger.totals();
  }

  use(types: readonly EventType[]): Promise<LedgerUse> {
    return this.#ledger.use(types.map((type) => EventType.parse(type)));
  }

  override async alarm(): Promise<void> {
    const { name } = this.ctx.id;
    const spans = objectSpans(this.env, "ledger", { name });
    await spans("alarm", undefined, async () => this.#ledger.alarm(await readClock(this.env)));
  }
}
