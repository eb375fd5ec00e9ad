/** What the catalog gives to be deleted, on the fake D1: in test/workerd the same with what R2 then holds. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { digestAfter } from "../../domain/digest.ts";
import { endOf, epochMs } from "../../domain/hour.ts";
import { IdentitySumHex } from "../../domain/ids.ts";
import { retentionMsMin } from "../../domain/limits.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { recordVerdict, requeueAudit } from "../../platform/catalog/audits.ts";
import { digestHead, takeInDigest, undigestedBuckets } from "../../platform/catalog/digests.ts";
import { recordExpired, undeletedHours } from "../../platform/catalog/expiry.ts";
import { recordSealed } from "../../platform/catalog/sealed.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { hour, type } from "../domain/make.ts";
import { FakeD1 } from "../fakes/d1.ts";

const migrations = join(import.meta.dirname, "../../migrations");
const address = { type, hour };
const sealedAt = endOf(hour);
const now = epochMs(endOf(hour) + retentionMsMin);

/** A sealed and balanced hour of a stream whose retention is over, listed as balanced. */
async function catalog(): Promise<D1Database> {
  const db = FakeD1.migrated(migrations).binding((_, effect) => Promise.resolve(effect()));
  await putStream(db, type, StreamSettings.parse({ retentionMs: retentionMsMin }), sealedAt);
  const tally = { rows: 3, sum: IdentitySumHex.parse("00000000000000ff") };
  const summary = { sealedAtMs: sealedAt, manifestSha256: "a".repeat(64), tally, bytes: 100 };
  await recordSealed(db, [{ address, dueAtMs: sealedAt, summary }]);
  await recordVerdict(db, { address, findings: [], attempts: 0, at: sealedAt });
  await writeDigest(db);
  return db;
}

async function writeDigest(db: D1Database): Promise<void> {
  const head = await digestHead(db);
  const digest = digestAfter(head, await undigestedBuckets(db, 10), now);
  await takeInDigest(db, { sequence: digest.sequence, sha256: "d".repeat(64), digest });
}

test("[EX2] an hour is to be deleted once a digest has listed it as expired, and not before", async () => {
  const db = await catalog();
  expect(await recordExpired(db, now, 10)).toBe(1);
  expect(await undeletedHours(db, now, 10)).toEqual([]);
  await writeDigest(db);
  expect(await undeletedHours(db, now, 10)).toEqual([{ address, manifestSha256: "a".repeat(64) }]);
});

test("[EX1] an hour that waits for an audit does not expire, nor one again", async () => {
  const db = await catalog();
  await requeueAudit(db, address, now);
  expect(await recordExpired(db, now, 10)).toBe(0);
  await recordVerdict(db, { address, findings: [], attempts: 0, at: now });
  expect(await recordExpired(db, now, 10)).toBe(1);
  expect(await recordExpired(db, now, 10)).toBe(0);
});
