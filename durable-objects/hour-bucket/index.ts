/** The object class: builds a bucket on its own storage and the real outside, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import * as z from "zod";
import { AbandonMessage, type AbandonReply } from "../../domain/abandon.ts";
import type { EnrolReply, PlanReply } from "../../domain/enrol.ts";
import { bucketOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { heldDeadlineMs } from "../../domain/limits.ts";
import {
  type BucketRpc,
  EnrolMessage,
  PlanMessage,
  SealMessage,
  type SealReply,
  VerifiedMessage,
} from "../../domain/messages.ts";
import type { BucketRepairRpc, StoredPart } from "../../domain/repair.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { within } from "../../platform/current-span.ts";
import { log } from "../../platform/log.ts";
import { r2Objects } from "../../platform/objects.ts";
import { partCodec } from "../../platform/part-codec.ts";
import {
  type LogEnv,
  type ObjectSpans,
  calledSpan,
  carried,
  note,
  noteOutcome,
  objectSpans,
} from "../../platform/span.ts";
import { schemaOf } from "../../platform/stream-schema.ts";
import { randomFraction } from "../../platform/random.ts";
import { type ShardNamespace, shardStub } from "../../platform/stubs.ts";
import { withDeadline } from "../../platform/timer.ts";
import { Bucket, type BucketDeps } from "./bucket.ts";

export interface HourBucketEnv extends LogEnv, DeletionEnv {
  readonly EVENTS: R2Bucket;
  readonly EVENT_SHARD: ShardNamespace;
}

export class HourBucket extends DurableObject<HourBucketEnv> implements BucketRpc, BucketRepairRpc {
  readonly #bucket: Bucket;
  readonly #spanned: ObjectSpans;

  constructor(ctx: DurableObjectState, env: HourBucketEnv) {
    super(ctx, env);
    const name = ctx.id.name ?? "";
    const address = bucketOfName(name) ?? broken("a bucket was reached by another name than bucketName()");
    const deps: BucketDeps = {
      objects: r2Objects(env.EVENTS),
      codec: partCodec,
      schema: async () => schemaOf(env, address.type, await readClock(env)),
      shard: (holder) => {
        const stub = shardStub(env.EVENT_SHARD, { type: address.type, ...holder });
        return {
          close: (message) => stub.close({ ...message, ...carried() }),
          unflushedBytes: (hour) => withDeadline(stub.unflushedBytes(hour), heldDeadlineMs),
          tailPages: (hour) => stub.tailPages(hour),
          tailPayload: (hour, range) => stub.tailPayload(hour, range),
          dropPayloads: (hour, nowMs) => stub.dropPayloads(hour, nowMs),
        };
      },
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
    this.#spanned = objectSpans(env, "bucket", { ...address });
  }

  enrol(message: EnrolMessage): Promise<EnrolReply> {
    const given = EnrolMessage.parse(message);
    return this.#spanned("enrol", given.trace, async () => {
      const reply = await this.#bucket.enrol(given);
      const { hour, index } = given;
      if (!reply.enrolled) noteOutcome("refused", { why: reply.why });
      note({ shard: { hour, index } });
      return reply;
    });
  }

  plan(message: PlanMessage): Promise<PlanReply> {
    const given = PlanMessage.parse(message);
    return this.#spanned("plan", given.trace, () => this.#bucket.plan(given));
  }

  /** Has no line of its own: the bucket says `sealed` or `seal_failed`, whoever made it seal. */
  seal(message: SealMessage): Promise<SealReply> {
    const given = SealMessage.parse(message);
    return within(calledSpan(this.env, given.trace), () => this.#bucket.seal(given));
  }

  verified(message: VerifiedMessage): Promise<void> {
    const given = VerifiedMessage.parse(message);
    return this.#spanned("verified", given.trace, () => this.#bucket.verified(given));
  }

  abandon(message: AbandonMessage): Promise<AbandonReply> {
    return this.#bucket.abandon(AbandonMessage.parse(message));
  }

  storedPart(key: string): Promise<StoredPart> {
    return this.#bucket.storedPart(z.string().parse(key));
  }

  async storedManifest(): Promise<string | null> {
    return this.#bucket.storedManifest();
  }

  async describe(): Promise<string> {
    return this.#bucket.describe();
  }

  override async alarm(): Promise<void> {
    await this.#spanned("alarm", undefined, async () => this.#bucket.alarm(await readClock(this.env)));
  }
}
