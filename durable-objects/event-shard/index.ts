/** The object class: builds a shard on its own storage and the real outside, and checks what comes in. */
import { broken } from "../../domain/invariant.ts";
import { DurableObject } from "cloudflare:workers";
import * as z from "zod";
import { EdgeQuery, type EdgeAnswer } from "../../domain/append-audit.ts";
import { EpochMs } from "../../domain/hour.ts";
import { shardOfName } from "../../domain/ids.ts";
import {
  AppendMessage,
  type AppendReply,
  CloseMessage,
  type CloseReply,
  type ShardRpc,
} from "../../domain/messages.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { type ClockEnv, readClock } from "../../platform/clock.ts";
import { log } from "../../platform/log.ts";
import { r2Objects } from "../../platform/objects.ts";
import { gzipCodec } from "../../platform/part-writer.ts";
import { type BucketNamespace, bucketStub } from "../../platform/stubs.ts";
import { Shard, type ShardDeps } from "./shard.ts";

export interface EventShardEnv extends ClockEnv {
  readonly EVENTS: R2Bucket;
  readonly HOUR_BUCKET: BucketNamespace;
}

export class EventShard extends DurableObject<EventShardEnv> implements ShardRpc {
  readonly #shard: Shard;

  constructor(ctx: DurableObjectState, env: EventShardEnv) {
    super(ctx, env);
    const address = shardOfName(ctx.id.name ?? "");
    if (address === null) broken("a shard was reached by another name than shardName()");
    const deps: ShardDeps = {
      objects: r2Objects(env.EVENTS),
      codec: gzipCodec,
      now: () => readClock(env),
      enrol: (request) => bucketStub(env.HOUR_BUCKET, address).enrol(request),
      wakeBucket: async () => {
        await bucketStub(env.HOUR_BUCKET, address).seal({ nowMs: await readClock(env), plan: null });
      },
      armAlarm: (at, now) => armAlarm(ctx, env, { class: "EventShard", name: ctx.id.name ?? "" }, at, now),
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

  async tailPayload(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#shard.tail();
  }

  async lookUpAppends(queries: EdgeQuery[]): Promise<EdgeAnswer[]> {
    return this.#shard.lookUpAppends(z.array(EdgeQuery).parse(queries));
  }

  dropPayloads(nowMs: number): Promise<boolean> {
    return this.#shard.dropPayloads(EpochMs.parse(nowMs));
  }

  async describe(): Promise<string> {
    return this.#shard.describe();
  }

  override async alarm(): Promise<void> {
    await this.#shard.alarm(await readClock(this.env));
  }
}
