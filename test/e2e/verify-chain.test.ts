/** The chain of digests as verify reads it from objects and tells of it; each fault by itself is in test/domain. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ChainHead,
  type VerifiedBucket,
  digestAfter,
  digestKey,
  digestText,
  emptyChain,
} from "../../domain/digest.ts";
import { epochMs } from "../../domain/hour.ts";
import { Manifest } from "../../domain/manifest.ts";
import { collect } from "../../scripts/local/collect.ts";
import { resourcesIn } from "../../scripts/local/runtime.ts";
import { chainLines, chainReport, walkChain } from "../../scripts/verify/chain.ts";
import { summaryOf } from "../../scripts/verify/report.ts";
import { sha256Of } from "../../scripts/verify/sha256.ts";
import { type BucketReport, verifyBuckets } from "../../scripts/verify/verify.ts";
import { runScript } from "./run-script.ts";
import { type Objects, addBucket, sourceOf } from "./sealed-bucket.ts";

const nowMs = epochMs(Date.parse("2026-11-23T13:12:00Z"));
const manifestAt = (hour: string): string => `events/type=a/date=2026-11-23/hour=${hour}/_manifest.json`;
let objects: Objects;

/** The bucket of a manifest object, as the auditor would list it. */
function verified(key: string): VerifiedBucket {
  const bytes = objects.get(key) ?? new Uint8Array();
  const { type, hour, rows, identitySum } = Manifest.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return {
    address: { type, hour },
    manifestSha256: sha256Of(bytes),
    verdict: "balanced",
    tally: { rows, sum: identitySum },
  };
}

/** Adds a chain with a digest for each of these groups of hours. */
function addChain(
  groups: readonly (readonly string[])[],
  verdicts: Readonly<Record<number, VerifiedBucket["verdict"]>> = {},
): void {
  let head: ChainHead = emptyChain;
  for (const hours of groups) {
    const digest = digestAfter(
      head,
      hours.map((hour) => ({
        ...verified(manifestAt(hour)),
        verdict: verdicts[head.sequence + 1] ?? "balanced",
      })),
      nowMs,
    );
    const bytes = new TextEncoder().encode(digestText(digest));
    objects.set(digestKey(digest.sequence), bytes);
    head = { sequence: digest.sequence, sha256: sha256Of(bytes) };
  }
}

async function lines(): Promise<string[]> {
  const source = sourceOf(objects);
  const walk = await walkChain(source);
  return chainLines(chainReport(walk, await collect(verifyBuckets(source, walk))));
}

beforeEach(() => {
  objects = new Map();
  for (const hour of ["10", "11", "12"]) addBucket(objects, "a", `2026-11-23T${hour}`, [[`${hour}-1`]]);
});

describe("[DG7] verify tells", () => {
  test("of a sound chain how long it is and how it ends", async () => {
    addChain([["10"], ["11", "12"]]);
    const end = sha256Of(objects.get(digestKey(2)) ?? new Uint8Array());
    expect(await lines()).toEqual([
      `2 digests list 3 manifests: all there and unaltered; the newest is number 2, sha256 ${end}`,
    ]);
  });

  test("of an hour that vanished with all its objects", async () => {
    addChain([["10"], ["11", "12"]]);
    for (const key of objects.keys()) if (key.includes("/hour=11/")) objects.delete(key);
    expect((await lines())[0]).toBe(
      `first fault of the digests: missing: ${manifestAt("11")}: digest 2 lists it as balanced with 1 rows, and it is not there`,
    );
  });

  test("of a bucket that was rewritten, manifest, parts and all", async () => {
    addChain([["10"], ["11", "12"]]);
    addBucket(objects, "a", "2026-11-23T11", [["other"]]);
    expect((await lines())[0]).toContain(`first fault of the digests: altered: ${manifestAt("11")}`);
  });

  test("of a digest that was rewritten along with it", async () => {
    addChain([["10"], ["11"], ["12"]]);
    const third = objects.get(digestKey(3)) ?? new Uint8Array();
    addBucket(objects, "a", "2026-11-23T11", [["other"]]);
    addChain([["10"], ["11"]]);
    objects.set(digestKey(3), third);
    expect((await lines())[0]).toContain(`first fault of the digests: altered: ${digestKey(2)}`);
  });

  test("of many faults the first ones, and how many more", async () => {
    addChain([["10"]]);
    for (let no = 0; no < 30; no++) objects.set(`digests/${no}`, new Uint8Array());
    const told = await lines();
    expect(told[0]).toContain("first fault of the digests: surplus: digests/0");
    expect(told).toContain("    and 10 more");
  });
});

describe("[DG8] verify tells", () => {
  test("of a manifest that is in no digest, though a later one of its stream is", async () => {
    addChain([["10"], ["12"]]);
    expect((await lines())[0]).toContain(`unlisted: ${manifestAt("11")}`);
  });

  test("of manifests that the auditor may not have come to, as a note", async () => {
    addChain([["10"]]);
    expect((await lines())[0]).toBe(
      "note: 2 manifests are in no digest yet; the auditor may not have come to them",
    );
  });

  test("of a data directory without digests, as a note", async () => {
    expect(await lines()).toEqual([
      "note: there is no digest; nothing but the manifests themselves says which there must be",
    ]);
  });
});

describe("the command", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  afterAll(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("[DG7] ends with 1 on a fault of the chain, though every bucket that is left balances", async () => {
    addChain([["10"], ["11", "12"]]);
    for (const key of objects.keys()) if (key.includes("/hour=12/")) objects.delete(key);
    await store(dataDir);
    const { code, stdout } = await runScript("verify", ["--data", dataDir]);
    expect(stdout).toContain(`first fault of the digests: missing: ${manifestAt("12")}`);
    expect(stdout).toContain("2 sealed buckets, 2 rows: all balanced");
    expect(code).toBe(1);
    const json: unknown = JSON.parse((await runScript("verify", ["--data", dataDir, "--json"])).stdout);
    expect(json).toMatchObject({
      faulty: 0,
      digests: { digests: 2, listed: 3, faults: [{ kind: "missing" }] },
    });
  });
});

async function store(dataDir: string): Promise<void> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: resourcesIn(dataDir),
      telemetry: { enabled: false },
      modules: true,
      script: "export default {};",
      r2Buckets: { EVENTS: "hourseal-events" },
    }),
  );
  try {
    const bucket = await miniflare.getR2Bucket("EVENTS");
    for (const [key, bytes] of objects) await bucket.put(key, bytes);
  } finally {
    await miniflare.dispose();
  }
}

describe("[EX4] verify tells of an hour that has expired", () => {
  const reports = async (): Promise<BucketReport[]> => {
    const source = sourceOf(objects);
    return collect(verifyBuckets(source, await walkChain(source)));
  };
  const deleted = (hour: string, what: RegExp): void => {
    for (const key of objects.keys())
      if (key.includes(`/hour=${hour}/`) && what.test(key)) objects.delete(key);
  };

  beforeEach(() => {
    addChain([["10", "11", "12"], ["11"]], { 2: "expired" });
  });

  test.each([
    ["before anything is deleted", /$^/],
    ["after its mark was", /_SUCCESS$/],
    ["after all was but the manifest", /_SUCCESS$|part-/],
  ])("that it has, %s", async (_, what) => {
    deleted("11", what);
    const found = await reports();
    expect(found.map(({ verdict }) => verdict)).toEqual(["balanced", "expired", "balanced"]);
    expect(summaryOf(found)).toMatchObject({ sealed: 3, expired: 1, faulty: 0 });
    expect(summaryOf(found).text).toContain("all balanced; 1 expired, only their manifests are kept");
    expect((await lines())[0]).toContain(
      "2 digests list 3 manifests, 1 of them expired: all there and unaltered",
    );
  });

  test("what else is gone is missing, and what else lies there is surplus", async () => {
    deleted("11", /part-/);
    deleted("12", /part-/);
    objects.set(manifestAt("11").replace("_manifest.json", "part-9-9.ndjson.gz"), new Uint8Array());
    expect((await reports()).map(({ verdict }) => verdict)).toEqual(["balanced", "surplus", "missing"]);
  });

  test("as of a loss, if its manifest is another one or gone", async () => {
    const bytes = objects.get(manifestAt("11")) ?? new Uint8Array();
    deleted("11", /part-/);
    objects.set(manifestAt("11"), new Uint8Array([...bytes, 10]));
    expect((await reports())[1]?.verdict).toBe("missing");
    deleted("11", /./);
    expect((await lines())[0]).toContain(`missing: ${manifestAt("11")}`);
  });
});
