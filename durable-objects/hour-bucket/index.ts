/** The object class: builds a bucket on its own storage and the real outside, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import type { EnrolReply, PlanReply } from "../../domain/enrol.ts";
import { bucketOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import {
  type BucketRpc,
  EnrolMessage,
  PlanMessage,
  SealMessage,
  type SealReply,
  VerifiedMessage,
} from "../../domain/messages.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { type ClockEnv, readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { log } from "../../platform/log.ts";
import { r2Objects } from "../../platform/objects.ts";
import { partCodec } from "../../platform/part-codec.ts";
import { schemaOf } from "../../platform/stream-schema.ts";
import { randomFraction } from "../../platform/random.ts";
import { type ShardNamespace, shardStub } from "../../platform/stubs.ts";
import { Bucket, type BucketDeps } from "./bucket.ts";

export interface HourBucketEnv extends ClockEnv, DeletionEnv {
  readonly EVENTS: R2Bucket;
  readonly EVENT_SHARD: ShardNamespace;
}

export class HourBucket extends DurableObject<HourBucketEnv> implements BucketRpc {
  readonly #bucket: Bucket;

  constructor(ctx: DurableObjectState, env: HourBucketEnv) {
    super(ctx, env);
    const name = ctx.id.name ?? "";
    const address = bucketOfName(name) ?? broken("a bucket was reached by another name than bucketName()");
    const deps: BucketDeps = {
      objects: r2Objects(env.EVENTS),
      codec: partCodec,
      schema: async () => schemaOf(env, address.type, await readClock(env)),
      shard: (holder) => shardStub(env.EVENT_SHARD, { type: address.type, ...holder }),
      now: () => readClock(env),
      jitter: randomFraction,
      armAlarm: (at, now) => armAlarm(ctx, env, { class: "HourBucket", name }, at, now),
      mayDelete: () => mayDelete(env, address.type),
      abort: (reason) => {
        ctx.abort(reason);
      },
      log: (event, fields) => {
        log("bucket", event, { ...address, ...fields });
      },
    };
    this.#bucket = new Bucket(address, ctx.storage, deps);
  }

  enrol(message: EnrolMessage): Promise<EnrolReply> {
    return this.#bucket.enrol(EnrolMessage.parse(message));
  }

  plan(message: PlanMessage): Promise<PlanReply> {
    return this.#bucket.plan(PlanMessage.parse(message));
  }

  seal(message: SealMessage): Promise<SealReply> {
    return this.#bucket.seal(SealMessage.parse(message));
  }

  verified(message: VerifiedMessage): Promise<void> {
    return this.#bucket.verified(VerifiedMessage.parse(message));
  }

  async describe(): Promise<string> {
    return this.#bucket.describe();
  }

  override async alarm(): Promise<void> {
    await this.#bucket.alarm(await readClock(this.env));
  }
}
