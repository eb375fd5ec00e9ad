/**
 * The oracle: SPEC's guarantees, held against what edges answered, what ledgers confirmed and what lies in R2.
 * It looks on from outside and shares no decision with the code that it judges; it does use production's parsers,
 * recount and audit equations, so a fault in those can hide from it.
 */
import { IdentitySet } from "../../domain/identity-set.ts";
import type { BucketAddress, ShardAddress } from "../../domain/ids.ts";
import { ChainWalk } from "../../domain/chain.ts";
import { digestOfText, digestsPrefix } from "../../domain/digest.ts";
import { bytesToHex, fingerprintBytes } from "../../domain/fingerprint.ts";
import { hourNumber, hourNumberOf, startOf } from "../../domain/hour.ts";
import { bucketName, bucketOfName, shardName, shardOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { windowMsDefault } from "../../domain/limits.ts";
import { Manifest, type Part, bucketPrefix, formatsOf, manifestKey } from "../../domain/manifest.ts";
import { type ReadRow, readRowGroups } from "../../domain/parquet/reader.ts";
import { homeOf } from "../../domain/route.ts";
import { PartRecount } from "../../domain/recount.ts";
import { listingFindings, manifestFindings, partFindings } from "../../domain/reread.ts";
import { unsettled } from "../../domain/audit-claims.ts";
import type { Finding } from "../../domain/verdict.ts";
import type { Fate } from "../../workers/ingest/deliver.ts";
import type { Cluster } from "./cluster.ts";
import { rowsHeld } from "./cluster.ts";
import { gunzip, sha256Of } from "./codec.ts";
import type { SentEvent } from "./events.ts";
import type { Trace } from "./trace.ts";

/** What is known of one event. */
interface Known {
  readonly sent: SentEvent;
  /** Appends whose answer decided it. */
  readonly decidedBy: Set<string>;
  /** Buckets whose shards said `accepted`. */
  readonly acceptedIn: Set<string>;
  answered: boolean;
  /** Some claim of it was decided, and the holder that asked does not know how. */
  claimReplyLost: boolean;
}

/** Where one event was found in sealed buckets. */
interface Found {
  readonly guarded: Set<string>;
  /** Rows that say of themselves that nobody could check them any more. */
  readonly unguarded: Set<string>;
}

/** One row of a sealed part, as far as the oracle reads it. */
interface SealedRow {
  readonly unguarded: boolean;
  readonly event: {
    readonly type: string;
    readonly source: string;
    readonly id: string;
    readonly partitionkey?: string;
  };
  readonly json: string;
}

export class Oracle {
  readonly #trace: Trace;
  readonly #events = new Map<string, Known>();
  readonly #ledger = new Set<string>();
  readonly #manifests = new Map<string, Manifest>();
  cluster: Cluster | null = null;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  made(sent: SentEvent): void {
    this.#events.set(sent.fingerprint, {
      sent,
      decidedBy: new Set(),
      acceptedIn: new Set(),
      answered: false,
      claimReplyLost: false,
    });
  }

  // ── What edges and ledgers say ───────────────────────────────────────────────────────────────────────────

  ledgerHolds(edge: string, appendNos: readonly number[]): void {
    for (const no of appendNos) this.#ledger.add(`${edge}#${no}`);
  }

  claimReplyLost(packed: Uint8Array): void {
    for (let at = 0; at < packed.length; at += fingerprintBytes) {
      const known = this.#events.get(bytesToHex(packed.subarray(at, at + fingerprintBytes)));
      if (known !== undefined) known.claimReplyLost = true;
    }
  }

  /** A shard has told an edge what became of one row. */
  decided(
    fingerprint: string,
    address: ShardAddress,
    { edge, no }: { readonly edge: string; readonly no: number },
    accepted: boolean,
  ): void {
    const known = this.#events.get(fingerprint);
    if (known === undefined) {
      this.#trace.violate("accounted", `a shard decided ${fingerprint}, which nobody sent`);
      return;
    }
    known.decidedBy.add(`${edge}#${no}`);
    if (!accepted) return;
    // Another shard may accept it, too, as a foreign row: its claim will be denied. The same one never does.
    const shard = shardName(address);
    this.#trace.hold(
      !known.acceptedIn.has(shard),
      "exactly once",
      () => `${known.sent.event.json} was accepted twice by ${shard}`,
    );
    known.acceptedIn.add(shard);
  }

  /** An edge answers a request. */
  answered(events: readonly SentEvent[], fates: readonly Fate[]): void {
    events.forEach(({ fingerprint, event }, at) => {
      const fate = fates[at];
      const known = this.#events.get(fingerprint);
      if (known === undefined || fate === undefined) {
        this.#trace.violate("accounted", `event ${event.id} has no fate`);
        return;
      }
      if (fate.fate !== "accepted" && fate.fate !== "duplicate") return;
      known.answered = true;
      this.#trace.hold(
        [...known.decidedBy].some((append) => this.#ledger.has(append)),
        "accounted",
        () => `${event.json} was answered before a ledger knew of its append`,
      );
    });
  }

  /** Whatever an audit finds of a sealed bucket: what could not be asked is lawful while there are faults. */
  audited(address: BucketAddress, findings: readonly Finding[], mayBeUnaudited: boolean): void {
    // Rows that moved are only checked when the bucket that they moved to is sealed, and they are settled.
    const lawful = ({ kind, hop, detail }: Finding): boolean =>
      kind === "unaudited" && (mayBeUnaudited || hop === "moves" || detail === unsettled);
    const wrong = findings.find((finding) => !lawful(finding));
    this.#trace.hold(
      wrong === undefined,
      "accounted",
      () => `${bucketName(address)}: ${JSON.stringify(wrong)}`,
    );
  }

  // ── What comes to lie in R2 ──────────────────────────────────────────────────────────────────────────────

  put(key: string, bytes: Uint8Array<ArrayBuffer>, before: Uint8Array | null): void {
    this.#trace.hold(before === null, "immutable", () => `${key} was written again`);
    const prefix = key.slice(0, key.lastIndexOf("/") + 1);
    if (key.endsWith("/_SUCCESS"))
      this.#trace.hold(this.#manifests.has(prefix), "complete", () => `${key} without a manifest`);
    else if (key.endsWith("/_manifest.json")) this.#manifest(prefix, bytes);
    else
      this.#trace.hold(!this.#manifests.has(prefix), "immutable", () => `${key} was put after the manifest`);
  }

  #manifest(prefix: string, bytes: Uint8Array<ArrayBuffer>): void {
    const manifest = Manifest.parse(JSON.parse(new TextDecoder().decode(bytes)));
    this.#manifests.set(prefix, manifest);
    const cluster = this.#cluster();
    for (const part of manifest.parts) {
      const held = cluster.r2.held.get(part.key);
      const whole = held?.bytes.length === part.bytes && sha256Of(held.bytes) === part.sha256;
      this.#trace.hold(whole, "complete", () => `${part.key} is not in R2 as its manifest says`);
      this.#trace.reach(part.origin === "merged" ? "merged_part" : "shard_part");
      if (part.origin !== "merged" && part.format === "parquet") this.#trace.reach("columns_part");
    }
    const merged = manifest.parts.filter(({ origin }) => origin === "merged");
    if (merged.length > new Set(merged.map(({ format }) => format)).size) this.#trace.reach("merged_parts");
    if (new Set(manifest.parts.map(({ format }) => format)).size > 1) this.#trace.reach("two_formats");
    for (const stray of manifest.strays) {
      this.#trace.hold(
        cluster.planted.has(stray),
        "resumable",
        () => `${stray} is a stray that we put ourselves`,
      );
      this.#trace.reach("stray");
    }
    if (manifest.plan === null) this.#trace.reach("empty_hour");
    for (const { address, host } of cluster.shards.values()) {
      if (bucketPrefix(address) === prefix) this.#shard(manifest, address, host.sql);
    }
  }

  /** A shard of a bucket whose manifest is being created. */
  #shard(manifest: Manifest, address: ShardAddress, sql: Parameters<typeof rowsHeld>[0]): void {
    const where = `shard ${address.index} of ${bucketName(address)}`;
    const blank = sql.exec("SELECT 1 AS one FROM sqlite_master WHERE name = 'shard'").toArray().length === 0;
    if (blank) return;
    const [row] = sql.exec<{ phase: string }>("SELECT phase FROM shard").toArray();
    const rows = rowsHeld(sql, address.hour);
    const counted = manifest.shards.find(
      ({ index, hour }) => index === address.index && hour === address.hour,
    );
    this.#trace.hold(
      row?.phase !== "open",
      "complete",
      () => `${where} is open and its bucket has a manifest`,
    );
    this.#trace.hold(
      rows === (counted?.delivered.rows ?? 0),
      "complete",
      () => `${where} holds ${rows} rows and the manifest counts ${counted?.delivered.rows ?? "none of it"}`,
    );
    if (manifest.plan === null) return;
    const home = "SELECT payload FROM batch WHERE kind = 'home'";
    for (const { payload } of sql.exec<{ payload: ArrayBuffer }>(home).toArray()) {
      for (const { event } of rowsOf(new Uint8Array(payload))) {
        const partitionKey = event.partitionkey ?? null;
        const right = homeOf({ ...event, partitionKey }, address.hour, manifest.plan, 0).address.index;
        this.#trace.hold(right === address.index, "one plan", () => `${where} holds a row of shard ${right}`);
      }
    }
  }

  // ── The end ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything is sealed: whatever was answered is there, once, and nothing else is; and the digests list it. */
  async finish(): Promise<void> {
    const found = new Map<string, Found>();
    for (const [prefix, manifest] of this.#manifests) await this.#reread(prefix, manifest, found);
    for (const known of this.#events.values()) this.#once(known, found.get(known.sent.fingerprint));
    this.#chain();
  }

  #once(known: Known, { guarded, unguarded }: Found = { guarded: new Set(), unguarded: new Set() }): void {
    const { json } = known.sent.event;
    const buckets = guarded.size + unguarded.size;
    if (known.answered)
      this.#trace.hold(buckets > 0, "durable", () => `${json} was answered and is in no sealed bucket`);
    // Identities are remembered for the window: what is sent again after it counts as new.
    const hours = [...guarded]
      .map((name) => startOf((bucketOfName(name) ?? broken(name)).hour))
      .toSorted(ascending);
    const again = hours.find((hourMs, no) => hourMs - (hours[no - 1] ?? -Infinity) <= windowMsDefault);
    this.#trace.hold(
      again === undefined,
      "exactly once",
      () => `${json} is in ${[...guarded].join(" and ")}`,
    );
    if (unguarded.size > 0) this.#trace.reach("unguarded");
    this.#countOrders(known, guarded);
  }

  #countOrders({ sent, acceptedIn, claimReplyLost }: Known, delivered: ReadonlySet<string>): void {
    const { timeMs } = sent.event;
    const hours = [...acceptedIn].map((name) => hourNumber((shardOfName(name) ?? broken(name)).hour));
    if (timeMs === null && Math.max(...hours) - Math.min(...hours) >= 2)
      this.#trace.reach("undated_hours_later");
    const own = timeMs === null ? Infinity : hourNumberOf(timeMs);
    if (hours.includes(own) && hours.some((hour) => hour < own)) this.#trace.reach("ahead_then_home");
    const holders = new Set([...acceptedIn].map((name) => bucketName(shardOfName(name) ?? broken(name))));
    if (claimReplyLost && delivered.size > 0 && ![...delivered].some((name) => holders.has(name)))
      this.#trace.reach("claim_reply_lost_then_moved");
  }

  /** The digests, walked as `verify` walks them. */
  #chain(): void {
    const { held } = this.#cluster().r2;
    const walk = new ChainWalk();
    for (const key of [...held.keys()].filter((name) => name.startsWith(digestsPrefix)).sort()) {
      const bytes = held.get(key)?.bytes ?? new Uint8Array();
      walk.add(key, sha256Of(bytes), digestOfText(new TextDecoder().decode(bytes)));
    }
    const found = [...this.#manifests.values()].map((manifest) => {
      const key = manifestKey(manifest);
      const { type, hour, sealedAt } = manifest;
      return { key, type, hour, sealedAt, sha256: sha256Of(held.get(key)?.bytes ?? new Uint8Array()) };
    });
    const { faults, waiting } = walk.finish(found);
    this.#trace.hold(
      faults.length === 0 && waiting === 0,
      "provable",
      () => `digests: ${JSON.stringify(faults[0] ?? `${waiting} manifests are in none`)}`,
    );
  }

  async #reread(prefix: string, manifest: Manifest, found: Map<string, Found>): Promise<void> {
    const { held } = this.#cluster().r2;
    const keys = [...held.keys()].filter((key) => key.startsWith(prefix));
    const identities = new Map(formatsOf(manifest).map((format) => [format, new IdentitySet()]));
    const findings = [...manifestFindings(manifest, prefix), ...listingFindings(manifest, keys)];
    for (const part of manifest.parts) {
      const bytes = held.get(part.key)?.bytes;
      if (bytes === undefined) {
        this.#trace.violate("immutable", `${part.key} is gone`);
        continue;
      }
      const recount = new PartRecount(manifest.type, identities.get(part.format) ?? new IdentitySet());
      const rows = await sealedRows(part, bytes, recount);
      const object = { bytes: bytes.length, sha256: sha256Of(bytes) };
      findings.push(...partFindings(part, { object, recount: recount.finish(), undecodable: null }));
      for (const row of rows) this.#found(manifest, row, found);
    }
    const [wrong] = findings;
    this.#trace.hold(
      wrong === undefined,
      "exactly once",
      () => `${manifestKey(manifest)}: ${JSON.stringify(wrong)}`,
    );
  }

  #found(manifest: Manifest, { event, json, unguarded }: SealedRow, found: Map<string, Found>): void {
    const known = [...this.#byId(event.id)].find(({ sent }) => sent.event.json === json);
    if (known === undefined) {
      this.#trace.violate("accounted", `a row that nobody sent: ${json}`);
      return;
    }
    const buckets = found.get(known.sent.fingerprint) ?? { guarded: new Set(), unguarded: new Set() };
    found.set(known.sent.fingerprint, buckets);
    if (unguarded) this.#unguarded(manifest, known);
    buckets[unguarded ? "unguarded" : "guarded"].add(bucketName(manifest));
  }

  /** Only what came so late that its home may have retired is delivered without a check. */
  #unguarded(manifest: Manifest, { sent, acceptedIn }: Known): void {
    const oldest = Math.min(
      sent.event.timeMs ?? Infinity,
      ...[...acceptedIn].map((name) => startOf((shardOfName(name) ?? broken(name)).hour)),
    );
    this.#trace.hold(
      startOf(manifest.hour) - oldest > windowMsDefault,
      "exactly once",
      () => `${sent.event.json} is delivered unguarded by ${bucketName(manifest)}, within its window`,
    );
  }

  *#byId(id: string): Generator<Known> {
    for (const known of this.#events.values()) if (known.sent.event.id === id) yield known;
  }

  #cluster(): Cluster {
    if (this.cluster === null) throw new Error("the oracle was not told of its cluster");
    return this.cluster;
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function rowsOf(plain: Uint8Array): SealedRow[] {
  const lines = new TextDecoder().decode(plain).split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const json = line.slice(line.indexOf('"event":') + 8, -1);
      const unguarded = line.startsWith('{"unguarded":true,');
      return { event: JSON.parse(json) as SealedRow["event"], json, unguarded };
    });
}

/** The rows of a part, counted as they are read. */
async function sealedRows(
  part: Part,
  bytes: Uint8Array<ArrayBuffer>,
  recount: PartRecount,
): Promise<SealedRow[]> {
  if (part.format === "parquet") {
    const rows: ReadRow[] = [];
    for await (const group of readRowGroups(bytes, gunzip)) rows.push(...group);
    for (const row of rows) recount.addColumns(row);
    return rows.map(sealedRowOf);
  }
  const plain = gunzip(bytes);
  recount.addText(new TextDecoder().decode(plain), plain.length);
  return rowsOf(plain);
}

/** A row of columns as its client posted it: every column that the event has, in the order in which events are made. */
function sealedRowOf(row: ReadRow): SealedRow {
  const { id, source, type, specversion, time, extensions, data, unguarded } = row;
  const members = Object(extensions) as Readonly<Record<string, unknown>>;
  const json = JSON.stringify({
    specversion,
    id,
    source,
    type,
    ...(typeof time === "bigint" ? { time: new Date(Number(time / 1_000n)).toISOString() } : {}),
    ...members,
    data: data instanceof Uint8Array ? (JSON.parse(new TextDecoder().decode(data)) as unknown) : null,
  });
  return { event: JSON.parse(json) as SealedRow["event"], json, unguarded: unguarded === true };
}
