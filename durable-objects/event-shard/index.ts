/** The object class: builds a shard on its own storage and the real outside, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import * as z from "zod";
import { EdgeQuery, type EdgeAnswer } from "../../domain/append-audit.ts";
import { EpochMs, type Hour, HourText } from "../../domain/hour.ts";
import { HolderName, shardOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { claimDeadlineMs } from "../../domain/limits.ts";
import {
  AnswerSeq,
  AppendMessage,
  type AppendReply,
  ClaimMessage,
  type ClaimReply,
  CloseMessage,
  type CloseReply,
  Fingerprints,
  type GrantsPage,
  type OwnedAnswer,
  type ShardRpc,
} from "../../domain/messages.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { type ClockEnv, readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { log } from "../../platform/log.ts";
import { r2Objects } from "../../platform/objects.ts";
import { partCodec } from "../../platform/part-codec.ts";
import { schemaOf } from "../../platform/stream-schema.ts";
import { type BucketNamespace, type HomesEnv, bucketStub, homeStub } from "../../platform/stubs.ts";
import { withDeadline } from "../../platform/timer.ts";
import { Shard, type ShardDeps } from "./shard.ts";

export interface EventShardEnv extends ClockEnv, HomesEnv, DeletionEnv {
  readonly EVENTS: R2Bucket;
  readonly HOUR_BUCKET: BucketNamespace;
}

export class EventShard extends DurableObject<EventShardEnv> implements ShardRpc {
  readonly #shard: Shard;

  constructor(ctx: DurableObjectState, env: EventShardEnv) {
    super(ctx, env);
    const address = shardOfName(ctx.id.name ?? "");
    if (address === null) broken("a shard was reached by another name than shardName()");
    const { type } = address;
    const deps: ShardDeps = {
      objects: r2Objects(env.EVENTS),
      codec: partCodec,
      schema: async () => schemaOf(env, type, await readClock(env)),
      now: () => readClock(env),
      enrol: (hour, request) => bucketStub(env.HOUR_BUCKET, { type, hour }).enrol(request),
      homePlan: async (hour, plan) => {
        const nowMs = await readClock(env);
        return withDeadline(
          bucketStub(env.HOUR_BUCKET, { type, hour }).plan({ plan, nowMs }),
          claimDeadlineMs,
        );
      },
      claim: (home, message) => withDeadline(homeStub(env, type, home).claim(message), claimDeadlineMs),
      wakeBucket: async () => {
        await bucketStub(env.HOUR_BUCKET, address).seal({ nowMs: await readClock(env), plan: null });
      },
      armAlarm: (at, now) => armAlarm(ctx, env, { class: "EventShard", name: ctx.id.name ?? "" }, at, now),
      mayDelete: () => mayDelete(env, type),
      abort: (reason) => {
        ctx.abort(reason);
      },
      log: (event, fields) => {
        log("shard", event, { ...address, ...fields });
      },
    };
    this.#shard = new Shard(address, ctx.storage, deps);
  }

  append(message: AppendMessage): Promise<AppendReply> {
    return this.#shard.append(AppendMessage.parse(message));
  }

  close(message: CloseMessage): Promise<CloseReply> {
    return this.#shard.close(CloseMessage.parse(message));
  }

  async tailPayload(hour: Hour): Promise<Uint8Array<ArrayBuffer>> {
    return this.#shard.tail(HourText.parse(hour));
  }

  claim(message: ClaimMessage): Promise<ClaimReply> {
    return this.#shard.claim(ClaimMessage.parse(message));
  }

  async grants(seq: number): Promise<GrantsPage> {
    return this.#shard.grants(AnswerSeq.parse(seq));
  }

  async ownedBy(owner: HolderName, fingerprints: Uint8Array): Promise<OwnedAnswer> {
    return this.#shard.ownedBy(HolderName.parse(owner), Fingerprints.parse(fingerprints));
  }

  async lookUpAppends(queries: EdgeQuery[]): Promise<EdgeAnswer[]> {
    return this.#shard.lookUpAppends(z.array(EdgeQuery).parse(queries));
  }

  dropPayloads(hour: Hour, nowMs: number): Promise<boolean> {
    return this.#shard.dropPayloads(HourText.parse(hour), EpochMs.parse(nowMs));
  }

  async describe(): Promise<string> {
    return this.#shard.describe();
  }

  override async alarm(): Promise<void> {
    await this.#shard.alarm(await readClock(this.env));
  }
}
