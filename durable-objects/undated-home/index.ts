/** The object class: builds an undated home on its own storage, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import { HolderName, typeOfUndatedHome } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import {
  ClaimMessage,
  type ClaimReply,
  Fingerprints,
  type OwnedAnswer,
  type UndatedHomeRpc,
} from "../../domain/messages.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { noteClaim } from "../../platform/claim-line.ts";
import { readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { log } from "../../platform/log.ts";
import { type LogEnv, type ObjectSpans, objectSpans } from "../../platform/span.ts";
import { UndatedHome as Home } from "./home.ts";

export type UndatedHomeEnv = LogEnv & DeletionEnv;

export class UndatedHome extends DurableObject<UndatedHomeEnv> implements UndatedHomeRpc {
  readonly #home: Home;
  readonly #spanned: ObjectSpans;

  constructor(ctx: DurableObjectState, env: UndatedHomeEnv) {
    super(ctx, env);
    const type =
      typeOfUndatedHome(ctx.id.name ?? "") ??
      broken("an undated home was reached by another name than undatedHomeName()");
    this.#spanned = objectSpans(env, "undated_home", { name: ctx.id.name });
    this.#home = new Home(ctx.storage, {
      now: () => readClock(env),
      armAlarm: (at, now) => armAlarm(ctx, env, { class: "UndatedHome", name: ctx.id.name ?? "" }, at, now),
      mayDelete: () => mayDelete(env, type),
      abort: (reason) => {
        ctx.abort(reason);
      },
      log: (event, fields) => {
        log("undated_home", event, { name: ctx.id.name, ...fields });
      },
    });
  }

  claim(message: ClaimMessage): Promise<ClaimReply> {
    const given = ClaimMessage.parse(message);
    return this.#spanned("claim", given.trace, async () => {
      const reply = await this.#home.claim(given);
      noteClaim(given, reply);
      return reply;
    });
  }

  async ownedBy(owner: HolderName, fingerprints: Uint8Array): Promise<OwnedAnswer> {
    return this.#home.ownedBy(HolderName.parse(owner), Fingerprints.parse(fingerprints));
  }

  override async alarm(): Promise<void> {
    await this.#spanned("alarm", undefined, async () => this.#home.alarm(await readClock(this.env)));
  }
}
