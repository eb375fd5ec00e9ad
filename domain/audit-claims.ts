/**
 * The audit's equations of claims: an identity has one owner, a denial has a reason, and what moved has arrived.
 * Equalities only, of counts and of identity sums. No finding means that every one of them holds.
 */
import { type Heard, difference, plain } from "./audit.ts";
import { fingerprintBytes } from "./fingerprint.ts";
import { holderName } from "./ids.ts";
import type { Manifest, Move, ShardCounters } from "./manifest.ts";
import type { GrantedAt, HomeAddress, OwnedAnswer } from "./messages.ts";
import type { Finding } from "./verdict.ts";

/** What one home says of what it told a holder. */
export interface HomeCheck {
  readonly granted: GrantedAt;
  readonly owned: Heard<OwnedAnswer>;
}

/**
 * One holder's claims. The home records one owner for an identity, so if every holder was granted just what its homes
 * recorded for it, no identity was granted twice. Rows that moved on are checked with the last bucket they came to.
 */
export function homeFindings(shard: ShardCounters, checks: readonly HomeCheck[]): Finding[] {
  const holder = holderName(shard);
  return checks.flatMap(({ granted, owned }) => {
    const where = `shard ${holder} at ${homeText(granted.home)}`;
    if (!owned.heard) return [plain("unaudited", "homes", where, owned.why)];
    const findings =
      shard.reassignedOut === null
        ? difference("homes", where, granted.granted, owned.value.owned, "granted", "recorded for the holder")
        : [];
    const denied = granted.denied.length / fingerprintBytes;
    if (owned.value.known !== denied) {
      const detail = `${denied} rows denied, of which the home knows ${owned.value.known}`;
      findings.push({ ...plain("missing", "denials", where, detail), rows: denied - owned.value.known });
    }
    return findings;
  });
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
    ...(shard.reassignedOut === null
      ? []
      : endFindings(manifest, shard, shard.reassignedOut, "to", other(shard.reassignedOut.hour))),
    ...(shard.reassignedIn === null
      ? []
      : endFindings(manifest, shard, shard.reassignedIn, "from", other(shard.reassignedIn.hour))),
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
  const end = direction === "to" ? same?.reassignedIn : same?.reassignedOut;
  if (end === undefined || end === null || end.hour !== manifest.hour) {
    const detail = `${move.tally.rows} rows moved, of which the bucket at the other end says nothing`;
    const kind = direction === "to" ? "missing" : "surplus";
    return [{ ...plain(kind, "moves", where, detail), rows: move.tally.rows, expected: move.tally }];
  }
  return direction === "to"
    ? difference("moves", where, move.tally, end.tally, "moved out", "moved in")
    : difference("moves", where, end.tally, move.tally, "moved out", "moved in");
}
