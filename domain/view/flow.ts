/**
 * A bucket's counters hop by hop, as a flow: how many rows each hop saw, what joined and what left on the way, and what
 * the auditor found lost there. The rows are each hop's own; nothing here is made to add up.
 */
import type { EventCounts } from "../ledger.ts";
import type { Manifest } from "../manifest.ts";
import type { Finding, Hop } from "../verdict.ts";

export type FlowStepName = "received" | "accepted" | "delivered" | "listed" | "reread";

export interface FlowStep {
  readonly name: FlowStepName;
  /** What this hop counted; null: it could not be asked, or has not been yet. */
  readonly rows: number | null;
  /** What came in beside the hop before. */
  readonly joined: readonly FlowPart[];
  /** What lawfully went no further. */
  readonly left: readonly FlowPart[];
  /** Rows that findings at this hop call missing. */
  readonly missing: number;
  readonly surplus: number;
  /** Findings at this hop that cannot be said in rows. */
  readonly otherFindings: number;
}

export interface FlowPart {
  readonly name: "duplicates" | "quarantined" | "refused" | "failed" | "denied" | "moved in" | "moved out";
  readonly rows: number;
}

const hopsOf: Readonly<Record<FlowStepName, readonly Hop[]>> = {
  received: ["edge"],
  accepted: ["edge_to_shard", "enrolment"],
  delivered: ["homes", "denials", "moves", "shard"],
  listed: ["parts", "manifest"],
  reread: ["listing", "reread"],
};

export interface FlowInput {
  /** What the edges counted; null: the ledger could not be asked. */
  readonly events: EventCounts | null;
  /** Null until the bucket is sealed. */
  readonly manifest: Manifest | null;
  readonly findings: readonly Finding[];
  /** Whether the parts have been read back. */
  readonly audited: boolean;
}

export function flowOf({ events, manifest, findings, audited }: FlowInput): FlowStep[] {
  const shards = manifest?.shards ?? [];
  const rowsOf = (tallies: readonly { readonly rows: number }[]): number =>
    tallies.reduce((sum, { rows }) => sum + rows, 0);
  const known = <Value>(value: Value): Value | null => (manifest === null ? null : value);
  const moved = (key: "reassignedIn" | "reassignedOut"): number =>
    rowsOf(shards.flatMap((shard) => shard[key].map(({ tally }) => tally)));
  return [
    step("received", findings, events?.received ?? null, {
      left: [
        { name: "duplicates", rows: events?.duplicates ?? 0 },
        { name: "quarantined", rows: events?.quarantined ?? 0 },
        { name: "refused", rows: events?.refused ?? 0 },
        { name: "failed", rows: events?.failed ?? 0 },
      ],
    }),
    step("accepted", findings, known(rowsOf(shards.map(({ accepted }) => accepted))), {
      joined: [{ name: "moved in", rows: moved("reassignedIn") }],
      left: [
        { name: "denied", rows: rowsOf(shards.map(({ denied }) => denied)) },
        { name: "moved out", rows: moved("reassignedOut") },
      ],
    }),
    step("delivered", findings, known(rowsOf(shards.map(({ delivered }) => delivered))), {}),
    step("listed", findings, manifest?.rows ?? null, {}),
    step("reread", findings, audited && manifest !== null ? rereadRows(manifest.rows, findings) : null, {}),
  ];
}

function step(
  name: FlowStepName,
  findings: readonly Finding[],
  rows: number | null,
  sides: { readonly joined?: readonly FlowPart[]; readonly left?: readonly FlowPart[] },
): FlowStep {
  const here = findings.filter(({ hop }) => hopsOf[name].includes(hop));
  const sum = (kind: Finding["kind"]): number =>
    here.filter((finding) => finding.kind === kind).reduce((total, { rows: some }) => total + some, 0);
  return {
    name,
    rows,
    joined: (sides.joined ?? []).filter((part) => part.rows > 0),
    left: (sides.left ?? []).filter((part) => part.rows > 0),
    missing: sum("missing"),
    surplus: sum("surplus"),
    otherFindings: here.filter(
      ({ kind, rows: some }) => some === 0 || kind === "corrupt" || kind === "unaudited",
    ).length,
  };
}

/** What lies in R2: the manifest's rows, but for what the findings say of its parts. */
function rereadRows(listed: number, findings: readonly Finding[]): number {
  return findings
    .filter(({ hop }) => hopsOf.reread.includes(hop) || hop === "manifest")
    .reduce((rows, { kind, rows: some }) => {
      if (kind === "missing") return rows - some;
      return kind === "surplus" ? rows + some : rows;
    }, listed);
}
