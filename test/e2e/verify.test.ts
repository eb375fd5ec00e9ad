import { gunzipSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { collect } from "../../scripts/local/collect.ts";
import { summaryOf } from "../../scripts/verify/report.ts";
import { gapsOf } from "../../scripts/verify/prefixes.ts";
import { ChainWalk } from "../../domain/chain.ts";
import { type BucketReport, verifyBuckets } from "../../scripts/verify/verify.ts";
import { type Objects, addBucket, rowLine, sourceOf } from "./sealed-bucket.ts";

const prefix = "events/type=a%2Fb/date=2026-11-23/hour=10/";
let objects: Objects;
let part0: string;
let part1: string;

beforeEach(() => {
  objects = new Map();
  [part0 = "", part1 = ""] = addBucket(objects, "a/b", "2026-11-23T10", [
    ["1", "2", "3"],
    ["4", "5"],
  ]);
  addBucket(objects, "a/b", "2026-11-23T11", []);
  addBucket(objects, "c", "2026-11-23T10", [["1"]]);
});

async function verify(): Promise<BucketReport[]> {
  return collect(verifyBuckets(sourceOf(objects), new ChainWalk()));
}

/** The verdict and findings of the first bucket; the others must stay balanced. */
async function first(): Promise<{ verdict: string; findings: string[] }> {
  const [report, ...others] = await verify();
  expect(others.map(({ verdict }) => verdict)).toEqual(["balanced", "balanced"]);
  return {
    verdict: report?.verdict ?? "",
    findings: (report?.findings ?? []).map(({ kind, hop, where, rows }) =>
      [kind, rows, hop, where.replace(prefix, "")].join(" "),
    ),
  };
}

function rewriteRows(key: string, change: (text: string) => string): void {
  const text = gunzipSync(objects.get(key) ?? new Uint8Array()).toString("utf8");
  objects.set(key, new Uint8Array(gzipSync(change(text))));
}

function rewriteManifest(change: (text: string) => string): void {
  const key = `${prefix}_manifest.json`;
  const text = new TextDecoder().decode(objects.get(key));
  const changed = change(text);
  expect(changed).not.toBe(text);
  objects.set(key, new TextEncoder().encode(changed));
}

test("[AU10] sound buckets balance, empty ones too", async () => {
  const reports = await verify();
  expect(reports.map(({ type, hour, rows, parts, verdict }) => [type, hour, rows, parts, verdict])).toEqual([
    ["a/b", "2026-11-23T10", 5, 2, "balanced"],
    ["a/b", "2026-11-23T11", 0, 0, "balanced"],
    ["c", "2026-11-23T10", 1, 1, "balanced"],
  ]);
  expect(summaryOf(reports)).toMatchObject({ sealed: 3, open: 0, faulty: 0, rows: 6 });
});

describe("[AU5] [AU9] [AU10] each fault is named with its object, its hop and its number", () => {
  test("a part is gone", async () => {
    objects.delete(part0);
    expect(await first()).toEqual({
      verdict: "missing",
      findings: [`missing 3 listing ${part0.replace(prefix, "")}`],
    });
  });

  test("one byte of a part is changed, at any place", async () => {
    const good = objects.get(part0) ?? new Uint8Array();
    for (let at = 0; at < good.length; at++) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 1;
      objects.set(part0, bad);
      const { verdict, findings } = await first();
      expect(verdict).toBe("corrupt");
      expect(findings[0]).toBe(`corrupt 0 reread ${part0.replace(prefix, "")}`);
    }
  });

  test("rows are dropped from a part", async () => {
    rewriteRows(part0, (text) => text.split("\n").slice(2).join("\n"));
    expect(await first()).toEqual({
      verdict: "corrupt",
      findings: ["corrupt 0 reread part-0-1.ndjson.gz", "missing 2 reread part-0-1.ndjson.gz"],
    });
  });

  test("a row is added to a part", async () => {
    rewriteRows(part0, (text) => text + rowLine("a/b", "9", "2026-11-23T10"));
    expect((await first()).findings).toContain("surplus 1 reread part-0-1.ndjson.gz");
  });

  test("a row is replaced by another", async () => {
    rewriteRows(part0, (text) => text.replaceAll('"id":"3"', '"id":"8"'));
    expect((await first()).findings).toContain("corrupt 0 reread part-0-1.ndjson.gz");
  });

  test("a count is forged in the manifest", async () => {
    rewriteManifest((text) => text.replaceAll('"rows": 3', '"rows": 4').replace('"rows": 5', '"rows": 6'));
    expect(await first()).toEqual({
      verdict: "missing",
      findings: ["missing 1 reread part-0-1.ndjson.gz"],
    });
  });

  test("only the total is forged in the manifest", async () => {
    rewriteManifest((text) => text.replace('"rows": 5', '"rows": 6'));
    expect(await first()).toEqual({ verdict: "corrupt", findings: ["corrupt 0 parts _manifest.json"] });
  });

  test("the manifest is of another hour", async () => {
    rewriteManifest((text) => text.replace('"hour": "2026-11-23T10"', '"hour": "2026-11-23T12"'));
    expect((await first()).findings).toContain("corrupt 0 manifest _manifest.json");
  });

  test("the manifest is no manifest", async () => {
    rewriteManifest((text) => text.slice(0, -3));
    expect(await first()).toEqual({ verdict: "corrupt", findings: ["corrupt 0 manifest _manifest.json"] });
  });

  test("the manifest is gone", async () => {
    objects.delete(`${prefix}_manifest.json`);
    expect(await first()).toEqual({ verdict: "missing", findings: ["missing 0 manifest _manifest.json"] });
  });

  test("[AU6] the marker is gone", async () => {
    objects.delete(`${prefix}_SUCCESS`);
    expect(await first()).toEqual({ verdict: "missing", findings: ["missing 0 listing _SUCCESS"] });
  });

  test.each(["part-7-1.ndjson.gz", "nested/part-0-1.ndjson.gz"])("a stray lies there: %s", async (name) => {
    objects.set(`${prefix}${name}`, new Uint8Array([1]));
    expect(await first()).toEqual({ verdict: "surplus", findings: [`surplus 0 listing ${name}`] });
  });

  test("an identity stands twice in a bucket", async () => {
    rewriteRows(part1, (text) => text.replaceAll('"id":"5"', '"id":"4"'));
    expect((await first()).findings).toContain("surplus 1 reread part-1-1.ndjson.gz");
  });
});

test("an identity that two buckets hold is named in the second", async () => {
  addBucket(objects, "a/b", "2026-11-23T12", [["6", "2"]]);
  const reports = await verify();
  expect(reports.map(({ hour, verdict }) => [hour, verdict])).toContainEqual(["2026-11-23T12", "surplus"]);
  expect(reports.flatMap(({ findings }) => findings)).toMatchObject([{ kind: "surplus", rows: 1 }]);
});

test("strays that the manifest lists are known", async () => {
  rewriteManifest((text) => text.replace('"strays": []', `"strays": ["${prefix}part-0-2.ndjson.gz"]`));
  objects.set(`${prefix}part-0-2.ndjson.gz`, new Uint8Array([1]));
  expect((await first()).verdict).toBe("balanced");
});

test("a bucket without manifest and marker is open, and not looked at", async () => {
  objects.set("events/type=d/date=2026-11-23/hour=10/part-0-1.ndjson.gz", new Uint8Array([1]));
  const reports = await verify();
  expect(reports.at(-1)).toMatchObject({ type: "d", verdict: "open", findings: [] });
  expect(summaryOf(reports)).toMatchObject({ sealed: 3, open: 1, faulty: 0 });
});

test("objects under no bucket are surplus", async () => {
  objects.set("events/type=c/date=2026-11-23/hour=77/x", new Uint8Array([1]));
  expect((await verify()).at(-1)).toMatchObject({ verdict: "surplus" });
});

test("hours without a manifest between others are noted", async () => {
  addBucket(objects, "c", "2026-11-23T13", []);
  expect(gapsOf(await verify())).toEqual(["c: 2 hours before 2026-11-23T13 have no manifest"]);
});

describe("[FO1] [FO8] [AU10] an hour in two formats", () => {
  const hour = "2026-11-23T12";
  const ids = [["1", "2", "3"], ["4"]];
  let lines: string;
  let columns: string;

  beforeEach(() => {
    objects = new Map();
    [lines = "", , columns = ""] = addBucket(objects, "a/b", hour, ids, ["ndjson.gz", "parquet"]);
  });

  async function found(): Promise<string[]> {
    const reports = await verify();
    return reports.flatMap(({ findings }) =>
      findings.map(({ kind, rows, hop, where }) =>
        [kind, rows, hop, where.slice(where.lastIndexOf("/") + 1)].join(" "),
      ),
    );
  }

  test("balances, and counts each row once", async () => {
    expect(await verify()).toMatchObject([{ rows: 4, parts: 4, verdict: "balanced" }]);
    expect([lines, columns].map((key) => key.replace(/.*\//, ""))).toEqual([
      "part-0-1.ndjson.gz",
      "part-0-1.parquet",
    ]);
  });

  test("misses a part of either, though the other one has the rows", async () => {
    for (const key of [lines, columns]) {
      const bytes = objects.get(key) ?? new Uint8Array();
      objects.delete(key);
      expect(await found()).toEqual([`missing 3 listing ${key.replace(/.*\//, "")}`]);
      objects.set(key, bytes);
    }
  });

  test("sees one changed byte of columns, wherever it is", async () => {
    const good = objects.get(columns) ?? new Uint8Array();
    for (let at = 0; at < good.length; at += 7) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 1;
      objects.set(columns, bad);
      expect((await found())[0]).toBe("corrupt 0 reread part-0-1.parquet");
    }
  });

  test("sees rows that are others in the columns than in the lines", async () => {
    const other = new Map(objects);
    addBucket(other, "a/b", hour, [["1", "2", "9"], ["4"]], ["ndjson.gz", "parquet"]);
    objects.set(columns, other.get(columns) ?? new Uint8Array());
    expect(await found()).toContain("corrupt 0 reread part-0-1.parquet");
  });

  test("sees a row that another bucket has in columns only", async () => {
    addBucket(objects, "a/b", "2026-11-23T13", [["4", "5"]], ["parquet"]);
    expect(await found()).toEqual(["surplus 1 reread part-0-1.parquet"]);
  });

  test("is at fault if the manifest lists one format only and says that there are two", async () => {
    const key = "events/type=a%2Fb/date=2026-11-23/hour=12/_manifest.json";
    const manifest = JSON.parse(new TextDecoder().decode(objects.get(key))) as {
      parts: { format: string }[];
    };
    manifest.parts = manifest.parts.filter(({ format }) => format !== "parquet");
    objects.set(key, new TextEncoder().encode(JSON.stringify(manifest)));
    expect((await found())[0]).toBe("corrupt 0 parts _manifest.json");
  });
});
