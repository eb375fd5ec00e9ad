/**
 * What each step of the seal does. The order, and why it is safe to stop anywhere, stand in domain/seal.ts.
 * Each step ends by recording durably that its effect is there; a step that throws is done again.
 */
import { type Format, defaultFormats, formatOf } from "../../domain/encoding.ts";
import { type EpochMs, isoOf } from "../../domain/hour.ts";
import { type BucketAddress, type Holder, holderName, sameHolder } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import {
  carryBytesMin,
  partBytesMax,
  partBytesTarget,
  partSampleBytes,
  receiptParallelismMax,
  tailPageBytes,
} from "../../domain/limits.ts";
import {
  type Part,
  type PartContent,
  manifestFault,
  manifestKey,
  manifestOf,
  manifestText,
  partKey,
  successKey,
} from "../../domain/manifest.ts";
import { type HeldPage, allotCarry, mergeOrder, planMerge } from "../../domain/merge.ts";
import type { ShardRpc } from "../../domain/messages.ts";
import { addContents } from "../../domain/part-content.ts";
import { columnsOf } from "../../domain/parquet/columns.ts";
import { factsOf } from "../../domain/parquet/facts.ts";
import { protocolVersion } from "../../domain/plan.ts";
import { receiptFault } from "../../domain/receipt.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import type { SealStep } from "../../domain/seal.ts";
import { sameTally } from "../../domain/tally.ts";
import type { ObjectStore } from "../../platform/objects.ts";
import { inParallel } from "../../platform/parallel.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import { fillingBytes } from "../../platform/part-sample.ts";
import { putExact, putPart } from "../../platform/part-writer.ts";
import type { BucketStore, MergedRecord } from "./store.ts";

export interface SealDeps {
  readonly objects: ObjectStore;
  readonly codec: PartCodec;
  /** The stream's schema of today, for columns; null: it has none, or nobody can say. Never throws. */
  schema(): Promise<JsonObject | null>;
  shard(
    holder: Holder,
  ): Pick<ShardRpc, "unflushedBytes" | "close" | "tailPages" | "tailPayload" | "dropPayloads">;
}

const lineBreak = 10;

/** Keys tried for one merged part. More strays than this are a broken invariant, not bad luck. */
const strayTriesMax = 8;

export class SealSteps {
  readonly #address: BucketAddress;
  readonly #store: BucketStore;
  readonly #deps: SealDeps;

  constructor(address: BucketAddress, store: BucketStore, deps: SealDeps) {
    this.#address = address;
    this.#store = store;
    this.#deps = deps;
  }

  async run(
    step: Exclude<SealStep, { step: "wait" | "done" }>,
    dueAtMs: EpochMs,
    now: EpochMs,
  ): Promise<void> {
    switch (step.step) {
      case "stop_enrolment":
        this.#store.stopEnrolment(dueAtMs);
        return;
      case "collect_receipts":
        return this.#collectReceipts(step.from, now);
      case "plan_merge":
        return this.#planMerge();
      case "put_merged":
        return this.#putMerged(this.#mergedRecord(step.no));
      case "check_parts":
        return this.#checkParts();
      case "freeze_manifest":
        return this.#freezeManifest(now);
      case "create_manifest":
        await this.#putExact(manifestKey(this.#address), bytesOfText(this.#store.manifestText()));
        this.#store.recordManifestCreated();
        return;
      case "mark_success":
        await this.#putExact(successKey(this.#address), new Uint8Array());
        this.#store.recordSuccessMarked();
        return;
      case "mark_sealed":
        this.#store.markSealed();
    }
  }

  /** Fixed with the bucket's plan; a bucket without one has no shard and no part. */
  #formats(): readonly Format[] {
    return this.#store.record()?.plan?.formats ?? defaultFormats;
  }

  #putExact(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return putExact(this.#deps.objects, this.#deps.codec, key, bytes);
  }

  /** Receipts that come are kept, also if others fail: only the missing ones are asked for again. */
  async #collectReceipts(from: readonly Holder[], now: EpochMs): Promise<void> {
    const failures: string[] = [];
    const { hour } = this.#address;
    const formats = this.#formats();
    const allotted = await this.#allotted(from);
    await inParallel(from.entries(), receiptParallelismMax, async ([at, holder]) => {
      try {
        const reply = await this.#deps.shard(holder).close({
          protocol: protocolVersion,
          hour,
          nowMs: now,
          formats: [...formats],
          carryBytes: allotted[at] ?? carryBytesMin,
        });
        if (!reply.closed) throw new Error(`speaks protocol ${reply.protocol}`);
        const fault = receiptFault(reply.receipt);
        if (fault !== null) broken(fault);
        const { counters, formats: held } = reply.receipt;
        if (held.join() !== formats.join()) broken(`has parts of ${held.join()}, not of ${formats.join()}`);
        if (!sameHolder(counters, holder)) broken(`answered as shard ${holderName(counters)}`);
        this.#store.recordReceipt(holder, reply.receipt);
      } catch (error) {
        failures.push(`shard ${holderName(holder)}: ${String(error)}`);
      }
    });
    if (failures.length > 0) throw new Error(failures.join("; "));
  }

  /**
   * Bytes that each receipt may carry. What a shard says that it holds decides nothing else; so one that does not answer
   * the second time either is not waited for.
   */
  async #allotted(from: readonly Holder[]): Promise<readonly number[]> {
    const enrolled = this.#store.enrolments();
    const held: (number | null)[] = from.map(() => null);
    if (enrolled.length > 1) {
      await inParallel(from.entries(), receiptParallelismMax, async ([at, holder]) => {
        const ask = (): Promise<number> => this.#deps.shard(holder).unflushedBytes(this.#address.hour);
        held[at] = await ask()
          .catch(ask)
          .catch(() => null);
      });
    }
    const carried = enrolled.reduce((bytes, { receipt }) => bytes + (receipt?.tail?.plainBytes ?? 0), 0);
    return allotCarry(held, enrolled.length, carried);
  }

  async #planMerge(): Promise<void> {
    const formats = this.#formats();
    const schema = formats.includes("parquet") ? await this.#deps.schema() : null;
    const pages = await this.#pages();
    const pageBytes = pages.map(({ content }) => content.plainBytes);
    const bytesMax = await this.#fillingBytes(pages, formats, schema);
    this.#store.recordMergePlan(pages, planMerge(pageBytes, bytesMax), formats, schema);
  }

  /** All that is carried, in the order in which it is merged. What is little is one page, and nobody has to be asked. */
  async #pages(): Promise<readonly HeldPage[]> {
    const pages: HeldPage[] = [];
    await inParallel(this.#store.receipts(), receiptParallelismMax, async ({ counters, tail }) => {
      if (tail === null) return;
      const holder = holderOf(counters);
      if (tail.plainBytes <= tailPageBytes) {
        pages.push({ holder, range: null, content: tail });
        return;
      }
      const parts = await this.#deps.shard(holder).tailPages(this.#address.hour);
      const { tally, plainBytes } = addContents(parts.map(({ content }) => content));
      if (!sameTally(tally, tail.tally) || plainBytes !== tail.plainBytes)
        broken(`the pages of shard ${holderName(holder)} are not what its receipt carries`);
      pages.push(...parts.map(({ range, content }) => ({ holder, range, content })));
    });
    return mergeOrder(pages);
  }

  /** Bytes before compression that fill a part in each of the formats, by rows of the largest pages. */
  async #fillingBytes(
    pages: readonly HeldPage[],
    formats: readonly Format[],
    schema: JsonObject | null,
  ): Promise<number> {
    const all = pages.reduce((bytes, { content }) => bytes + content.plainBytes, 0);
    // One part, however badly it compresses.
    if (all <= partBytesTarget) return partBytesTarget;
    const rows: Uint8Array<ArrayBuffer>[] = [];
    const sampled: PartContent[] = [];
    let plainBytes = 0;
    for (const page of pages.toSorted((a, b) => b.content.plainBytes - a.content.plainBytes)) {
      if (plainBytes >= partSampleBytes) break;
      const payload = await this.#payload(page);
      const end = payload.indexOf(lineBreak, partSampleBytes - plainBytes);
      rows.push(end < 0 ? payload : payload.subarray(0, end + 1));
      plainBytes += rows.at(-1)?.length ?? 0;
      sampled.push(page.content);
    }
    const facts = factsOf(this.#address, addContents(sampled));
    return fillingBytes(this.#deps.codec, rows, formats, schema, facts);
  }

  /**
   * The rows of a merged part are pages of the tails of closed shards, in shard order: the same bytes whenever it is made.
   * One that turns out to be more than a put takes becomes two; no put of it was ever tried.
   */
  async #putMerged(merged: MergedRecord): Promise<void> {
    const { no, encoder, schema } = merged;
    const format = formatOf(encoder);
    const pages = this.#store.pagesOf(merged);
    const content = addContents(pages.map((page) => page.content));
    const encoding = { encoder, typed: columnsOf(schema), facts: factsOf(this.#address, content) };
    const encoded = await this.#deps.codec.encode(encoding, this.#payloads(pages), partBytesMax);
    if (encoded === null) {
      this.#store.splitMerged(merged);
      return;
    }
    for (let tries = 0; tries < strayTriesMax; tries++) {
      const key = partKey(this.#address, "merged", this.#mergedRecord(no).key_no, format);
      const outcome = await putPart(this.#deps.objects, this.#deps.codec, key, encoded);
      if (outcome.put === "stray") {
        this.#store.recordStray(no, key);
        continue;
      }
      const { sha256, bytes: stored } = outcome;
      this.#store.recordMerged(no, {
        ...content,
        key,
        format,
        origin: "merged",
        bytes: stored,
        sha256,
      });
      return;
    }
    broken(`${strayTriesMax} keys of merged part ${no} hold other content`);
  }

  /** One page is held at a time. */
  async *#payloads(pages: readonly HeldPage[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const page of pages) yield await this.#payload(page);
  }

  async #payload({ holder, range, content }: HeldPage): Promise<Uint8Array<ArrayBuffer>> {
    const payload = await this.#deps.shard(holder).tailPayload(this.#address.hour, range);
    if (payload.length !== content.plainBytes)
      broken(
        `a page of ${content.plainBytes} bytes of shard ${holderName(holder)} came as ${payload.length}`,
      );
    return payload;
  }

  #mergedRecord(no: number): MergedRecord {
    return (
      this.#store.merged().find((merged) => merged.no === no) ?? broken(`merged part ${no} is not planned`)
    );
  }

  #parts(): Part[] {
    return [
      ...this.#store.receipts().flatMap((receipt) => receipt.parts),
      ...this.#store.merged().map(({ no, part }) => part ?? broken(`merged part ${no} is not put`)),
    ];
  }

  async #checkParts(): Promise<void> {
    const faults: string[] = [];
    await inParallel(this.#parts(), receiptParallelismMax, async (part) => {
      const found = await this.#deps.objects.head(part.key);
      if (found === null) faults.push(`${part.key} is not in R2`);
      else if (found.bytes !== part.bytes || found.sha256 !== part.sha256)
        faults.push(`${part.key} is another object`);
    });
    if (faults.length > 0) broken(faults.join("; "));
    this.#store.recordPartsChecked();
  }

  async #freezeManifest(now: EpochMs): Promise<void> {
    const receipts = this.#store.receipts();
    const manifest = manifestOf({
      address: this.#address,
      sealedAt: isoOf(now),
      plan: this.#store.record()?.plan ?? null,
      parts: this.#parts(),
      shards: receipts.map((receipt) => receipt.counters),
      strays: [...receipts.flatMap((receipt) => receipt.strays), ...this.#store.strays()],
      abandoned: this.#store.abandoned(),
    });
    const fault = manifestFault(manifest);
    if (fault !== null) broken(fault);
    const text = manifestText(manifest);
    const sha256 = await this.#deps.codec.sha256(bytesOfText(text));
    this.#store.freezeManifest(text, sha256, now);
  }
}

function holderOf({ hour, index }: Holder): Holder {
  return { hour, index };
}

function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
