/** Consistent histories: edges that send, shards that commit, outcomes that get lost, edges that die. */
import * as fc from "fast-check";
import { type EdgeAnswer, classifyAppends } from "../../domain/append-audit.ts";
import { type Heard, ledgerView, shardFindings, shardQueries } from "../../domain/audit.ts";
import type { AppendTag } from "../../domain/commit.ts";
import { AppendNo, type ShardIndex } from "../../domain/ids.ts";
import {
  type BucketAccount,
  type EdgeAccount,
  type EventCounts,
  type Report,
  accountOfBucket,
  addCounts,
  foldReport,
  openAccount,
  zeroCounts,
} from "../../domain/ledger.ts";
import { type Manifest, manifestOf } from "../../domain/manifest.ts";
import { addTallies, zeroTally } from "../../domain/tally.ts";
import type { Finding } from "../../domain/verdict.ts";
import { countersOfShard, edgeOf, hour, indexOf, plan, tallyOf, type } from "./make.ts";

/** `lost_*`: the shard's reply never came; it had committed the append, or had never seen it. */
const fates = ["answered", "refused", "lost_committed", "lost_absent"] as const;

interface AppendStory {
  readonly shard: number;
  readonly fresh: number;
  readonly repeated: number;
  readonly fate: (typeof fates)[number];
}

interface EdgeStory {
  readonly ledger: number;
  readonly appends: readonly AppendStory[];
  /** Appends that the edge sent after its last report, before it died. */
  readonly unreported: number;
}

export interface History {
  readonly shards: number;
  readonly edges: readonly EdgeStory[];
}

export const ledgers = 3;

export const anyHistory: fc.Arbitrary<History> = fc.record({
  shards: fc.integer({ min: 1, max: 3 }),
  edges: fc.array(
    fc.record({
      ledger: fc.nat({ max: ledgers - 1 }),
      appends: fc.array(
        fc.record({
          shard: fc.nat({ max: 2 }),
          fresh: fc.nat({ max: 3 }),
          repeated: fc.nat({ max: 2 }),
          fate: fc.constantFrom(...fates),
        }),
        { maxLength: 5 },
      ),
      unreported: fc.nat({ max: 2 }),
    }),
    { maxLength: 5 },
  ),
});

/** What the auditor hears: every counter there is, apart from those that lie in R2. */
export interface Counters {
  readonly accounts: Heard<BucketAccount>[];
  readonly manifest: Manifest;
  readonly answers: Map<ShardIndex, Heard<EdgeAnswer[]>>;
}

interface AppendTold {
  readonly sent: Report["sent"][number];
  readonly outcome: Report["outcomes"][number] | null;
  readonly events: EventCounts;
}

/** Plays a history and counts it as edges, ledgers and shards do. `away`: a ledger that cannot be read. */
export function countersOf(history: History, away: number | null = null): Counters {
  const tags = new Map<ShardIndex, AppendTag[]>();
  for (let index = 0; index < history.shards; index++) tags.set(indexOf(index), []);
  const accounts: EdgeAccount[][] = Array.from({ length: ledgers }, () => []);
  let event = 0;

  history.edges.forEach((story, edgeNo) => {
    const account = openAccount(edgeOf(edgeNo));
    accounts[story.ledger]?.push(account);
    const told = story.appends.map(({ shard, fresh, repeated, fate }, appendNo): AppendTold => {
      const index = indexOf(shard % history.shards);
      const no = AppendNo.parse(appendNo + 1);
      const news = Array.from({ length: fresh }, () => ++event);
      const olds = Array.from({ length: repeated }, (_, old) => 1_000 + old);
      if (fate !== "refused" && fate !== "lost_absent" && fresh > 0)
        tags.get(index)?.push({ edge: account.edge, no, accepted: tallyOf(news) });
      const received = fresh + repeated;
      const sent = { no, type, index, tally: tallyOf([...news, ...olds]) };
      if (fate === "answered") {
        const outcome = { no, accepted: tallyOf(news), duplicate: tallyOf(olds), refused: zeroTally };
        return { sent, outcome, events: { ...zeroCounts, received, accepted: fresh, duplicates: repeated } };
      }
      if (fate === "refused") {
        const outcome = { no, accepted: zeroTally, duplicate: zeroTally, refused: sent.tally };
        return { sent, outcome, events: { ...zeroCounts, received, refused: received } };
      }
      return { sent, outcome: null, events: { ...zeroCounts, received, failed: received } };
    });
    tell(account, told.slice(0, Math.max(0, told.length - story.unreported)));
  });

  const manifest = manifestOf({
    address: { type, hour },
    sealedAt: "2026-11-23T11:10:00.000Z",
    plan,
    parts: [],
    shards: [...tags].map(([index, list]) => {
      const accepted = addTallies(list.map((tag) => tag.accepted));
      return countersOfShard(index, accepted);
    }),
    strays: [],
  });
  const heard = accounts.map((list, ledger): Heard<BucketAccount> =>
    ledger === away ? { heard: false, why: "away" } : { heard: true, value: accountOfBucket(list, type) },
  );
  const answers = new Map<ShardIndex, Heard<EdgeAnswer[]>>();
  for (const [index, queries] of shardQueries(manifest, ledgerView(heard)))
    answers.set(index, { heard: true, value: classifyAppends(tags.get(index) ?? [], queries) });
  return { accounts: heard, manifest, answers };
}

/** Reports what was sent first, and outcomes with the report after. */
function tell(account: EdgeAccount, told: readonly AppendTold[]): void {
  told.forEach(({ sent }, index) => {
    const outcome = told[index - 1]?.outcome;
    report(account, { sent: [sent], outcomes: outcome === undefined || outcome === null ? [] : [outcome] });
  });
  const last = told.at(-1)?.outcome;
  const events = told.reduce((sum, one) => addCounts(sum, one.events), zeroCounts);
  report(account, { outcomes: last === undefined || last === null ? [] : [last], events: [[type, events]] });
}

function report(account: EdgeAccount, more: Partial<Report>): void {
  const no = account.lastReport + 1;
  foldReport(account, { edge: account.edge, hour, no, sent: [], outcomes: [], events: [], ...more });
}

/** Every finding of the audit's equations on these counters. */
export function findingsOf({ accounts, manifest, answers }: Counters): Finding[] {
  const view = ledgerView(accounts);
  return [...view.findings, ...shardFindings(manifest, view, answers)];
}
