/**
 * Why a bucket is what it is, and what to do: from what the catalog, the bucket, and the shards that it waits for say.
 * Decides nothing and changes nothing; what nobody could be asked is said to be so.
 */
import { type EpochMs, type Hour, endOf, epochMs, isoOf, startOf } from "./hour.ts";
import { overdueMs } from "./limits.ts";
import { dueAt } from "./plan.ts";
import { type Drain, drainedOf } from "./drain.ts";
import type { Freeze } from "./freeze.ts";
import type { EventCounts } from "./ledger.ts";
import type { HourLoad } from "./load.ts";
import type { Finding, Hop } from "./verdict.ts";
import type { BucketState } from "./view/state.ts";

/** What one shard says that the bucket waits for. */
export interface ShardSays {
  /** `2026-11-23T10/0`. */
  readonly shard: string;
  /** Null: it does not answer, and `why` says how. */
  readonly phase: string | null;
  readonly why: string | null;
  /** Foreign rows whose claims are owed, by the hour of their home; `undated` for the others. */
  readonly owes: Readonly<Record<string, number>>;
}

export interface ExplainInput {
  readonly type: string;
  readonly hour: Hour;
  readonly state: BucketState;
  readonly stream: {
    readonly firstHour: Hour;
    readonly nextHour: Hour;
    readonly graceMs: number;
    /** Null: it was not removed, or some hour of its is not settled. */
    readonly end: Hour | null;
  };
  readonly catalog: {
    readonly dueAtMs: EpochMs;
    readonly attempts: number;
    readonly lastStep: string | null;
    readonly lastError: string | null;
    readonly sealedAtMs: EpochMs | null;
    readonly firstFaultAtMs: EpochMs | null;
    readonly findings: readonly Finding[];
    /** What the hour asked of its shards; null: it is not audited, or nobody could count it. */
    readonly load: Pick<HourLoad, "shards" | "rows" | "spilledRows"> | null;
  } | null;
  /** What edges counted of the hour; null: not every ledger answers, or it has not begun. */
  readonly events: Pick<EventCounts, "received" | "quarantined"> | null;
  /** What the bucket says of its seal; null: it does not answer, and `unheard` says why. */
  readonly bucket: {
    readonly phase: string | null;
    readonly dueAtMs: EpochMs | null;
    readonly failedStep: string | null;
    readonly error: string | null;
    readonly failingSinceMs: EpochMs | null;
    readonly missingReceipts: readonly string[];
  } | null;
  readonly unheard: string | null;
  /** Of the shards whose receipts are missing, the first ones. */
  readonly shards: readonly ShardSays[];
  /** What keeps the bucket from being deleted; null: nothing does. */
  readonly freeze: Freeze | null;
  /** Undefined: the stream takes events. */
  readonly drain: Drain | undefined;
}

export interface Reason {
  readonly what:
    | "time"
    | "cron"
    | "bucket"
    | "shard"
    | "claim"
    | "step"
    | "audit"
    | "finding"
    | "catalog"
    | "spill"
    | "quarantine"
    | "drain"
    | "freeze";
  readonly where: string;
  readonly since: string | null;
  readonly detail: string;
}

export interface Explanation {
  readonly type: string;
  readonly hour: Hour;
  /** Null: the catalog, which would say so, does not answer. */
  readonly state: BucketState | null;
  /** One sentence. */
  readonly summary: string;
  readonly reasons: readonly Reason[];
  readonly todo: readonly string[];
}

export function explain(input: ExplainInput, now: EpochMs): Explanation {
  const { type, hour, state } = input;
  const { summary, reasons, todo } = explained(input, now);
  const strain = strainOf(input);
  return {
    type,
    hour,
    state,
    summary,
    reasons: [...reasons, ...strain.reasons, ...drainReasons(input), ...freezeReasons(input.freeze)],
    todo: [...todo, ...strain.todo],
  };
}

/** The same while D1 is away: what the bucket itself says, and the shards that it waits for. */
export function explainWithoutCatalog(
  input: Pick<ExplainInput, "type" | "hour" | "bucket" | "unheard" | "shards">,
  why: string,
): Explanation {
  const { type, hour, bucket, unheard, shards } = input;
  const reasons = [
    reason("catalog", "D1", null, why),
    ...(unheard === null ? [] : [reason("bucket", "HourBucket", null, unheard)]),
    ...shards.flatMap((shard) => shardReasons(shard, bucket?.failingSinceMs ?? null)),
    ...(bucket === null || bucket.error === null
      ? []
      : [reason("step", bucket.failedStep ?? "ask", bucket.failingSinceMs, bucket.error)]),
  ];
  const todo = [
    "nothing is lost: edges go on with their snapshot, buckets seal by their own alarms, and audits and alerts catch up; docs/runbook.md, HoursealSourceDown",
    ...shardHints(shards),
  ];
  return { type, hour, state: null, summary: `D1 does not answer${bucketText(input)}.`, reasons, todo };
}

function bucketText({ bucket, unheard }: Pick<ExplainInput, "bucket" | "unheard">): string {
  if (unheard !== null) return ", and neither does the bucket";
  if (bucket === null || bucket.phase === null) return "; no row has reached the bucket itself";
  const { phase, dueAtMs, missingReceipts } = bucket;
  if (phase === "sealed")
    return "; the bucket itself is sealed, and whether it is balanced is known when D1 is back";
  if (phase === "sealing")
    return `; the bucket itself is sealing, and waits for the receipts of ${missingReceipts.length} of its shards`;
  return `; the bucket itself is open${dueAtMs === null ? "" : `, and due at ${isoOf(dueAtMs)}`}`;
}

/** What is no fault, and costs: rows that overflow shards took, and events that are not in the stream. */
function strainOf(input: ExplainInput): Pick<Told, "reasons" | "todo"> {
  const reasons: Reason[] = [];
  const todo: string[] = [];
  const load = input.catalog?.load ?? null;
  if (load !== null && load.spilledRows > 0) {
    const of = load.shards === 1 ? "its shard" : `one of its ${load.shards} shards`;
    const detail = `they took ${load.spilledRows} of ${load.rows} rows: ${of} had no room for them, or did not answer; nothing is lost`;
    reasons.push(reason("spill", "overflow shards", null, detail));
    todo.push(
      "give the stream more shards, or a higher shardsMax; if one source sends most of it, partitionBy: id spreads it",
    );
  }
  const quarantined = input.events?.quarantined ?? 0;
  if (quarantined > 0) {
    const detail = `${quarantined} of ${input.events?.received ?? 0} events that came were answered as quarantined`;
    reasons.push(reason("quarantine", "edges", null, detail));
    todo.push(
      `npm run streams -- quarantine ${quoted(input.type)} --from ${input.hour} lists them with why; once schema or client is mended, replay-quarantine takes them in`,
    );
  }
  return { reasons, todo };
}

/** Of an hour that had ended before the stream was drained, it explains nothing. */
function drainReasons({ hour, type, drain }: ExplainInput): Reason[] {
  const drained = drainedOf(drain);
  if (drain === undefined || drained === null || endOf(hour) <= drain.sinceMs) return [];
  const why = drained.note === "" ? "" : `: ${drained.note}`;
  const detail = `the stream takes no new events, drained by ${drained.author || "somebody"}${why}; npm run ops -- undrain ${quoted(type)} --yes ends it`;
  return [reason("drain", "edges", drain.sinceMs, detail)];
}

function freezeReasons(freeze: Freeze | null): Reason[] {
  if (freeze === null) return [];
  const { type, sinceMs, author, note } = freeze;
  const why = note === "" ? "" : `: ${note}`;
  return [
    reason(
      "freeze",
      type ?? "all streams",
      sinceMs,
      `nothing is deleted, frozen by ${author || "somebody"}${why}`,
    ),
  ];
}

type Told = Pick<Explanation, "summary" | "reasons" | "todo">;

function explained(input: ExplainInput, now: EpochMs): Told {
  switch (input.state) {
    case "none":
      return absent(input, now);
    case "open":
    case "due":
    case "overdue":
      return unsealed(input, now);
    case "unverified":
      return {
        summary: "It is sealed, and no auditor has looked at it yet.",
        reasons: [
          reason("audit", "cron", input.catalog?.sealedAtMs ?? null, "the cron audits it, new hours first"),
        ],
        todo: [cronHint, command("reaudit", input)],
      };
    case "empty":
    case "balanced":
      return { summary: "It is sealed and balanced: everything is there.", reasons: [], todo: [] };
    case "expired":
      return {
        summary:
          "It was balanced, and its stream's retention is over: its parts are deleted, and its manifest is kept.",
        reasons: [],
        todo: [],
      };
    case "missing":
    case "surplus":
    case "corrupt":
    case "unaudited":
      return faulty(input);
  }
}

function absent({ hour, stream }: ExplainInput, now: EpochMs): Told {
  if (stream.end !== null && hour >= stream.end) {
    return {
      summary: `The stream was removed, and ended before ${stream.end}: every hour that it had is settled.`,
      reasons: [],
      todo: [],
    };
  }
  const before = hour < stream.firstHour;
  return {
    summary: before
      ? `It is before the stream, whose first hour is ${stream.firstHour}.`
      : `It has not begun; it does at ${isoOf(startOf(hour))}.`,
    reasons: before ? [] : [reason("time", "clock", null, `it is ${isoOf(now)}`)],
    todo: [],
  };
}

const cronHint = "look whether the cron runs: npm exec wrangler tail, and the lines of the area flusher";

function unsealed(input: ExplainInput, now: EpochMs): Told {
  const { hour, stream, catalog, bucket, unheard } = input;
  const dueAtMs = bucket?.dueAtMs ?? catalog?.dueAtMs ?? dueAt(hour, stream.graceMs);
  if (now < dueAtMs) {
    const what = now < endOf(hour) ? `its hour ends at ${isoOf(endOf(hour))}` : "it takes what comes late";
    return {
      summary: `It is open until ${isoOf(dueAtMs)}, and sealed soon after.`,
      reasons: [reason("time", "clock", null, `${what}; it is due at ${isoOf(dueAtMs)}`)],
      todo: [],
    };
  }
  const late = now >= dueAtMs + overdueMs ? "overdue" : "due";
  const again = command("reseal", input);
  if (unheard !== null) {
    return {
      summary: `It is ${late} since ${isoOf(dueAtMs)}, and the bucket does not answer.`,
      reasons: [reason("bucket", "HourBucket", null, unheard)],
      todo: [`${again}; if it goes on, look at the platform's status and at the log's area bucket`],
    };
  }
  if (bucket?.phase === "sealed") {
    return {
      summary: "The bucket is sealed, and the catalog has not heard of it.",
      reasons: [reason("cron", "catalog", dueAtMs, "the cron records what buckets answer, once D1 takes it")],
      todo: [cronHint, again],
    };
  }
  const shards = input.shards.flatMap((shard) => shardReasons(shard, bucket?.failingSinceMs ?? null));
  const error = bucket?.error ?? catalog?.lastError ?? null;
  if (shards.length > 0) {
    const waiting = bucket?.missingReceipts.length ?? 0;
    return {
      summary: `It is ${late} since ${isoOf(dueAtMs)}, and waits for the receipts of ${waiting} of its shards.`,
      reasons: shards,
      todo: [again, ...shardHints(input.shards)],
    };
  }
  if (error !== null) {
    const step = bucket?.failedStep ?? catalog?.lastStep ?? "ask";
    const since = bucket?.failingSinceMs ?? catalog?.dueAtMs ?? null;
    return {
      summary: `It is ${late} since ${isoOf(dueAtMs)}: the step ${step} fails.`,
      reasons: [reason("step", step, since, error)],
      todo: error.includes("broken invariant")
        ? [
            "keep it as it is: what was accepted is in its shards, and nothing is deleted before a balanced verdict",
            "look at the error and at the objects under the bucket's prefix; then " + again,
          ]
        : [again],
    };
  }
  return {
    summary: `It is ${late} since ${isoOf(dueAtMs)}, and nobody has asked it to seal yet.`,
    reasons: [
      reason(
        "cron",
        "flusher",
        dueAtMs,
        catalog === null
          ? `the cron has taken up the stream's hours before ${stream.nextHour} only`
          : "the cron has taken the hour up and not asked its bucket",
      ),
    ],
    todo: [cronHint, again],
  };
}

function shardReasons({ shard, phase, why, owes }: ShardSays, since: EpochMs | null): Reason[] {
  const where = `shard ${shard}`;
  if (phase === null)
    return [reason("shard", where, since, `it does not answer: ${why ?? "nothing is known"}`)];
  const homes = Object.entries(owes);
  // An open shard has not been reached by its bucket: what it owes, it will only ask for when it closes.
  if (homes.length === 0 || phase === "open")
    return [reason("shard", where, since, `it is ${phase} and has not given its receipt`)];
  return homes.map(([home, rows]) =>
    reason(
      "claim",
      where,
      since,
      `${home === "undated" ? "an undated home" : `the home of ${home}`} has not answered for ${rows} of its rows`,
    ),
  );
}

function shardHints(shards: readonly ShardSays[]): string[] {
  const owed = new Set(shards.flatMap(({ phase, owes }) => (phase === "open" ? [] : Object.keys(owes))));
  const hints: string[] = [];
  if (owed.size > 0) {
    hints.push(
      `if a home stays away, its rows move to the next open bucket by themselves and this one seals; ${[...owed].join(", ")} is asked again each time`,
    );
  }
  if (shards.some(({ phase }) => phase === null)) {
    hints.push(
      "a shard that does not answer keeps its rows: wait for it, and look at the platform's status; one that can never answer may be given up after an hour, and its rows with it: docs/runbook.md, A shard that never answers",
    );
  }
  return hints;
}

/** What a finding at a hop means, and what can be done. Nothing of a bucket is deleted that was never balanced. */
const hints: Readonly<Record<Hop, string>> = {
  edge: "edges answered for other events than they received: look at the log's area edge around the hour",
  edge_to_shard:
    "a shard does not hold what edges were told it does: ask the clients of the hour to send it again, nothing is counted twice",
  enrolment: "a shard took rows outside the manifest: its rows are still in it; look at the log's area shard",
  homes: "a home and a holder disagree on who owns identities: look for duplicates with npm run verify",
  denials: "rows were called duplicates of what their home does not know: they are still in their shard",
  moves: "rows left for another bucket and did not arrive: explain that bucket",
  shard: "a shard's counters do not add up: its rows are still in it; look at the log's area shard",
  parts: "the manifest's own figures disagree: npm run verify shows it without this system",
  manifest: "put the manifest back from a copy: its sha256 is in the digests",
  listing:
    "an object was deleted, or somebody put one: put it back from a copy of exactly these bytes, or take it away",
  reread:
    "a part is not what was sealed: put it back from a copy of exactly these bytes, whose sha256 is in the manifest",
};

/** Hops at which an object in R2 is not what was sealed. */
const inR2: ReadonlySet<Hop> = new Set(["manifest", "listing", "reread"]);

function faulty(input: ExplainInput): Told {
  const findings = input.catalog?.findings ?? [];
  const since = input.catalog?.firstFaultAtMs ?? null;
  const unheard = findings.length > 0 && findings.every(({ kind }) => kind === "unaudited");
  return {
    summary: unheard
      ? "It is sealed, and not all of its counters could be had."
      : `It is sealed, and it is ${input.state}.`,
    reasons: findings.map(({ kind, hop, where, rows, detail }) =>
      reason("finding", where, since, `${kind}${rows > 0 ? ` ${rows} rows` : ""} at ${hop}: ${detail}`),
    ),
    todo: [
      ...(findings.some(({ hop, kind }) => inR2.has(hop) && kind !== "surplus" && kind !== "unaudited")
        ? [
            `${command("rebuild-part", input)}: puts it back while its rows are kept, and audits again; if they are not:`,
          ]
        : []),
      ...new Set(
        findings.map(({ hop }) =>
          unheard ? "audits repeat by themselves until every counter is heard" : hints[hop],
        ),
      ),
      command("reaudit", input),
    ],
  };
}

function command(
  action: "reseal" | "reaudit" | "rebuild-part",
  { type, hour }: Pick<ExplainInput, "type" | "hour">,
): string {
  return `npm run ops -- ${action} ${quoted(type)} ${hour} --yes`;
}

function quoted(type: string): string {
  return /^[\w.-]+$/.test(type) ? type : JSON.stringify(type);
}

function reason(what: Reason["what"], where: string, sinceMs: number | null, detail: string): Reason {
  return { what, where, since: sinceMs === null ? null : isoOf(epochMs(sinceMs)), detail };
}
