/** The object class: builds a shard on its own storage and the real outside, and checks what comes in. */
import { DurableObject } from "cloudflare:workers";
import * as z from "zod";
import { EdgeQuery, type EdgeAnswer } from "../../domain/append-audit.ts";
import { EpochMs, type Hour, HourText } from "../../domain/hour.ts";
import { HolderName, shardOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { claimDeadlineMs, exportPageBytesMax } from "../../domain/limits.ts";
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
import { type TailPage, TailRange } from "../../domain/merge.ts";
import type { ShardRepairRpc, StoredPart } from "../../domain/repair.ts";
import { ExportCursor, type ExportPage } from "../../domain/shard-export.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { readClock } from "../../platform/clock.ts";
import { type DeletionEnv, mayDelete } from "../../platform/deletion.ts";
import { log } from "../../platform/log.ts";
import { r2Objects } from "../../platform/objects.ts";
import { partCodec } from "../../platform/part-codec.ts";
import {
  type LogEnv,
  type ObjectSpans,
  carried,
  note,
  noteOutcome,
  objectSpans,
} from "../../platform/span.ts";
import { schemaOf } from "../../platform/stream-schema.ts";
import { noteClaim } from "../../platform/claim-line.ts";
import { type BucketNamespace, type HomesEnv, bucketStub, homeStub } from "../../platform/stubs.ts";
import { withDeadline } from "../../platform/timer.ts";
import { Shard, type ShardDeps } from "./shard.ts";

export interface EventShardEnv extends LogEnv, DeletionEnv, HomesEnv {
  readonly EVENTS: R2Bucket;
  readonly HOUR_BUCKET: BucketNamespace;
}

/** Why an append is lawfully not taken here: the edge has news to hear, or has come twice. */
const lawful: ReadonlySet<string> = new Set(["closed", "wrong_plan", "repeated"]);

export class EventShard extends DurableObject<EventShardEnv> implements ShardRpc, ShardRepairRpc {
  readonly #shard: Shard;
  readonly #spanned: ObjectSpans;

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
      enrol: (hour, request) =>
        bucketStub(env.HOUR_BUCKET, { type, hour }).enrol({ ...request, ...carried() }),
      homePlan: async (hour, plan) => {
        const nowMs = await readClock(env);
        return withDeadline(
          bucketStub(env.HOUR_BUCKET, { type, hour }).plan({ plan, nowMs, ...carried() }),
          claimDeadlineMs,
        );
      },
      claim: (home, message) =>
        withDeadline(homeStub(env, type, home).claim({ ...message, ...carried() }), claimDeadlineMs),
      wakeBucket: async () => {
        const nowMs = await readClock(env);
        return bucketStub(env.HOUR_BUCKET, address).seal({ nowMs, plan: null, ...carried() });
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
    this.#spanned = objectSpans(env, "shard", { ...address });
  }

  append(message: AppendMessage): Promise<AppendReply> {
    const given = AppendMessage.parse(message);
    return this.#spanned("append", given.trace, async () => {
      const reply = await this.#shard.append(given);
      if ("refused" in reply)
        noteOutcome(lawful.has(reply.refused) ? "refused" : "failed", { why: reply.refused });
      note(() => ({
        edge: given.edge,
        no: given.no,
        bytes: given.rows.length,
        ...("refused" in reply ? {} : { accepted: reply.accepted.rows, duplicates: reply.duplicates }),
      }));
      return reply;
    });
  }

  close(message: CloseMessage): Promise<CloseReply> {
    const given = CloseMessage.parse(message);
    return this.#spanned("close", given.trace, async () => {
      const reply = await this.#shard.close(given);
      note({ delivery: given.hour });
      if (reply.closed)
        note({ delivered: reply.receipt.counters.delivered.rows, parts: reply.receipt.parts.length });
      else noteOutcome("failed", { why: "unknown_protocol" });
      return reply;
    });
  }

  async unflushedBytes(hour: Hour): Promise<number> {
    return this.#shard.unflushedBytes(HourText.parse(hour));
  }

  async tailPages(hour: Hour): Promise<TailPage[]> {
    return this.#shard.tailPages(HourText.parse(hour));
  }

  /** A bucket of older code gives no range. */
  async tailPayload(hour: Hour, range?: TailRange | null): Promise<Uint8Array<ArrayBuffer>> {
    return this.#shard.tailPayload(HourText.parse(hour), TailRange.nullish().parse(range) ?? null);
  }

  claim(message: ClaimMessage): Promise<ClaimReply> {
    const given = ClaimMessage.parse(message);
    return this.#spanned("claim", given.trace, async () => {
      const reply = await this.#shard.claim(given);
      noteClaim(given, reply);
      return reply;
    });
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

  storedPart(hour: Hour, key: string): Promise<StoredPart> {
    return this.#shard.storedPart(HourText.parse(hour), z.string().parse(key));
  }

  async exportPage(after: string | null, bytesMax: number): Promise<ExportPage> {
    const bytes = z.number().int().min(1).max(exportPageBytesMax).parse(bytesMax);
    return this.#shard.exportPage(ExportCursor.nullable().parse(after), bytes);
  }

  async describe(): Promise<string> {
    return this.#shard.describe();
  }

  override async alarm(): Promise<void> {
    await this.#spanned("alarm", undefined, async () => this.#shard.alarm(await readClock(this.env)));
  }
}
