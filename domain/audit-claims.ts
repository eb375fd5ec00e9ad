/**
 * The audit's equations of claims: an identity has one owner, a denial has a reason, and what moved has arrived.
 * Equalities only, of counts and of identity sums. No finding means that every one of them holds.
 */
import { type Heard, difference, plain } from "./audit.ts";
import { type Holder, holderName } from "./ids.ts";
import type { Manifest, Move, ShardCounters } from "./manifest.ts";
import type { HomeAddress, OwnedAnswer } from "./messages.ts";
import type { Tally } from "./tally.ts";
import type { Finding } from "./verdict.ts";

/** What is found of a holder whose claims can't be compared yet. */
export const unsettled = "rows of it wait for their claims";

/** What one home says of what it told a holder. */
export interface HomeCheck {
  readonly home: HomeAddress;
  /** What the holder was granted there, and how many rows it was denied. */
  readonly granted: Tally;
  readonly denied: number;
  /** `known`: how many of the denied identities the home knows. */
  readonly owned: Heard<OwnedAnswer>;
}

/**
 * One holder's claims. The home records one owner for an identity, so if every holder was granted just what its homes
 * recorded for it, no identity was granted twice. While rows of the holder wait for claims, in whichever bucket, a home
 * may have granted what the holder has not heard: then nothing can be said of grants.
 */
export function homeFindings(holder: Holder, settled: boolean, checks: readonly HomeCheck[]): Finding[] {
  const name = holderName(holder);
  const findings = checks.flatMap(({ home, granted, denied, owned }) => {
    const where = `shard ${name} at ${homeText(home)}`;
    if (!owned.heard) return [plain("unaudited", "homes", where, owned.why)];
    const found = settled
      ? difference("homes", where, granted, owned.value.owned, "granted", "recorded for the holder")
      : [];
    if (owned.value.known !== denied) {
      const detail = `${denied} rows denied, of which the home knows ${owned.value.known}`;
      found.push({ ...plain("missing", "denials", where, detail), rows: denied - owned.value.known });
    }
    return found;
  });
  if (!settled) findings.push(plain("unaudited", "homes", `shard ${name}`, unsettled));
  return findings;
}

function homeText(home: HomeAddress): string {
  return home.kind === "dated" ? `home ${home.hour}/${home.index}` : `undated home ${home.index}`;
}

/**
 * Rows that left this bucket, and rows that came: the manifest at the other end must say the same.
 * `other`: the manifest of an hour; null if that hour is not sealed yet.
 */
export function moveFindings(
  manifest: Manifest,
  other: (hour: Move["hour"]) => Heard<Manifest | null>,
): Finding[] {
  return manifest.shards.flatMap((shard) => [
    ...shard.reassignedOut.flatMap((move) => endFindings(manifest, shard, move, "to", other(move.hour))),
    ...shard.reassignedIn.flatMap((move) => endFindings(manifest, shard, move, "from", other(move.hour))),
  ]);
}

function endFindings(
  manifest: Manifest,
  shard: ShardCounters,
  move: Move,
  direction: "to" | "from",
  other: Heard<Manifest | null>,
): Finding[] {
  const where = `shard ${holderName(shard)} ${direction} ${move.hour}`;
  if (!other.heard) return [plain("unaudited", "moves", where, other.why)];
  if (other.value === null) {
    return [plain("unaudited", "moves", where, "the bucket at the other end is not sealed yet")];
  }
  const same = other.value.shards.find(({ hour, index }) => hour === shard.hour && index === shard.index);
  const ends = direction === "to" ? same?.reassignedIn : same?.reassignedOut;
  const end = ends?.find(({ hour }) => hour === manifest.hour);
  if (end === undefined) {
    const detail = `${move.tally.rows} rows moved, of which the bucket at the other end says nothing`;
    const kind = direction === "to" ? "missing" : "surplus";
    return [{ ...plain(kind, "moves", where, detail), rows: move.tally.rows, expected: move.tally }];
  }
  return direction === "to"
    ? difference("moves", where, move.tally, end.tally, "moved out", "moved in")
    : difference("moves", where, end.tally, move.tally, "moved out", "moved in");
}
