/**
 * The audit's equations between the edges, the ledger and the shards; those between the manifest and R2 are in reread.ts.
 * Equalities only, of counts and of identity sums. No finding means that every one of them holds.
 */
import type { EdgeAnswer, EdgeQuery } from "./append-audit.ts";
import type { EdgeId, ShardIndex } from "./ids.ts";
import { type BucketAccount, type EventCounts, type ShardAccount, addCounts, zeroCounts } from "./ledger.ts";
import type { Manifest, ShardCounters } from "./manifest.ts";
import { type Tally, addTallies, sameTally, zeroTally } from "./tally.ts";
import type { Finding, Hop } from "./verdict.ts";

/** What the auditor could learn from a source: what it says, or why it could not be asked. */
export type Heard<Value> =
  { readonly heard: true; readonly value: Value } | { readonly heard: false; readonly why: string };

/** The ledger's accounts of one bucket, put together from all of the hour's ledger objects. */
export interface LedgerView {
  readonly shards: readonly ShardAccount[];
  readonly edges: readonly { readonly edge: EdgeId; readonly sentThrough: number }[];
  /** What clients were answered, by those who could be asked. */
  readonly events: EventCounts;
  readonly findings: readonly Finding[];
}

/** Puts the ledger objects' accounts together; one that could not be read leaves the bucket unaudited. */
export function ledgerView(accounts: readonly Heard<BucketAccount>[]): LedgerView {
  const heard = accounts.flatMap((account) => (account.heard ? [account.value] : []));
  const findings: Finding[] = accounts.flatMap((account, slot) =>
    account.heard ? [] : [plain("unaudited", "edge", `ledger ${slot}`, account.why)],
  );
  const events = heard.reduce((sum, account) => addCounts(sum, account.events), zeroCounts);
  const told =
    events.accepted + events.duplicates + (events.quarantined ?? 0) + events.refused + events.failed;
  if (events.received !== told) {
    const kind = events.received > told ? "missing" : "surplus";
    findings.push({
      ...plain(kind, "edge", "ledger", `edges received ${events.received} events and answered for ${told}`),
      rows: Math.abs(events.received - told),
    });
  }
  const stray = heard.reduce((sum, account) => sum + account.strayOutcomes, 0);
  if (stray > 0)
    findings.push(plain("corrupt", "edge", "ledger", `${stray} outcomes of appends that were never sent`));
  const shards = heard.flatMap((account) => account.shards);
  findings.push(...shards.flatMap(edgeFindings));
  return { shards, edges: heard.flatMap((account) => account.edges), events, findings };
}

/** Per edge and shard: sent = accepted + duplicate + refused + unresolved. */
function edgeFindings(account: ShardAccount): Finding[] {
  const { edge, index, sent, accepted, duplicate, refused, unresolved } = account;
  const told = addTallies([accepted, duplicate, refused, ...unresolved.map(({ tally }) => tally)]);
  return difference("edge", `edge ${edge} to shard ${index}`, sent, told, "appended", "accounted for");
}

/** Which shards must be asked, and what about: those of the manifest, and those that only the ledger names. */
export function shardQueries(manifest: Manifest, ledger: LedgerView): Map<ShardIndex, EdgeQuery[]> {
  // Shards of other hours brought rows here; their appends belong to the audit of their own hour.
  const indexes = new Set([
    ...ownShards(manifest).map(({ index }) => index),
    ...ledger.shards.map(({ index }) => index),
  ]);
  return new Map([...indexes].toSorted((a, b) => a - b).map((index) => [index, queriesOf(index, ledger)]));
}

function ownShards(manifest: Manifest): ShardCounters[] {
  return manifest.shards.filter((shard) => shard.hour === manifest.hour);
}

/** Appends without an outcome are looked up, and so are refused ones: a second delivery may have been committed. */
function queriesOf(index: ShardIndex, ledger: LedgerView): EdgeQuery[] {
  const lookedUp = new Map<EdgeId, EdgeQuery["unresolved"]>();
  for (const account of ledger.shards) {
    if (account.index !== index) continue;
    lookedUp.set(account.edge, [...account.unresolved.map(({ no }) => no), ...account.refusedAppends]);
  }
  return ledger.edges.map(({ edge, sentThrough }) => ({
    edge,
    sentThrough,
    unresolved: lookedUp.get(edge) ?? [],
  }));
}

/** Per shard: acked accepted + resolved committed = what the shard accepted, edge by edge and in all. */
export function shardFindings(
  manifest: Manifest,
  ledger: LedgerView,
  answers: ReadonlyMap<ShardIndex, Heard<readonly EdgeAnswer[]>>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [index, answer] of answers) {
    const where = `shard ${index}`;
    const sealed = ownShards(manifest).find((shard) => shard.index === index);
    const accounts = ledger.shards.filter((account) => account.index === index);
    const acked = addTallies(accounts.flatMap(({ accepted, duplicate }) => [accepted, duplicate]));
    if (sealed === undefined && acked.rows > 0) {
      const detail = `edges were acknowledged ${acked.rows} rows by a shard that is not in the manifest`;
      findings.push({ ...plain("missing", "enrolment", where, detail), rows: acked.rows, expected: acked });
    }
    if (!answer.heard) {
      findings.push(plain("unaudited", "edge_to_shard", where, answer.why));
      continue;
    }
    findings.push(...answerFindings(where, accounts, answer.value));
    const committed = addTallies(
      answer.value.flatMap((edge) => [edge.resolved, edge.unresolved, edge.unanswered]),
    );
    const accepted = sealed?.accepted ?? zeroTally;
    findings.push(
      ...difference("shard", where, committed, accepted, "committed in appends", "in the manifest"),
    );
  }
  return findings;
}

function answerFindings(
  where: string,
  accounts: readonly ShardAccount[],
  answers: readonly EdgeAnswer[],
): Finding[] {
  const findings: Finding[] = [];
  const byEdge = new Map(answers.map((answer) => [answer.edge, answer]));
  const edges = new Set([...accounts.map(({ edge }) => edge), ...byEdge.keys()]);
  for (const edge of edges) {
    const answer = byEdge.get(edge);
    if (answer !== undefined && !answer.known) {
      const detail = `it holds ${answer.unanswered.rows} rows of edge ${edge}, of which the ledger knows nothing`;
      findings.push(plain("unaudited", "edge_to_shard", where, detail));
      continue;
    }
    const acked = addTallies(
      accounts.filter((account) => account.edge === edge).map(({ accepted }) => accepted),
    );
    const place = `${where}, edge ${edge}`;
    findings.push(
      ...difference(
        "edge_to_shard",
        place,
        acked,
        answer?.resolved ?? zeroTally,
        "acknowledged",
        "committed",
      ),
    );
  }
  return findings;
}

/** Nothing if the tallies are the same; else what is missing or surplus of `expected`. */
export function difference(
  hop: Hop,
  where: string,
  expected: Tally,
  found: Tally,
  expectedIs: string,
  foundIs: string,
): Finding[] {
  if (sameTally(expected, found)) return [];
  const missing = expected.rows - found.rows;
  const kind = missing > 0 ? "missing" : missing < 0 ? "surplus" : "corrupt";
  const detail =
    missing === 0
      ? `${expected.rows} rows ${expectedIs} and as many ${foundIs}, of other identities`
      : `${expected.rows} rows ${expectedIs}, ${found.rows} ${foundIs}`;
  return [{ kind, hop, where, rows: Math.abs(missing), expected, found, detail }];
}

export function plain(kind: Finding["kind"], hop: Hop, where: string, detail: string): Finding {
  return { kind, hop, where, rows: 0, expected: null, found: null, detail };
}
