/** The verify command on the objects of a local data directory and on an S3 API, as a process of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collect } from "../../scripts/local/collect.ts";
import { resourcesIn } from "../../scripts/local/runtime.ts";
import { s3Objects } from "../../scripts/verify/s3.ts";
import { runScript } from "./run-script.ts";
import { type Objects, addBucket } from "./sealed-bucket.ts";

const credentials = { accessKeyId: "a".repeat(32), secretAccessKey: "b".repeat(64) };
const environment = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
};
const sound = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const faulty = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const empty = mkdtempSync(join(tmpdir(), "hourseal-test-"));

async function withBucket<Value>(
  dataDir: string,
  use: (bucket: Awaited<ReturnType<Miniflare["getR2Bucket"]>>, url: string) => Promise<Value>,
): Promise<Value> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: resourcesIn(dataDir),
      telemetry: { enabled: false },
      modules: true,
      script: "export default {};",
      r2Buckets: { EVENTS: { id: "hourseal-events", s3Credentials: credentials } },
    }),
  );
  try {
    const url = `${(await miniflare.ready).origin}/cdn-cgi/local/r2/s3/hourseal-events`;
    return await use(await miniflare.getR2Bucket("EVENTS"), url);
  } finally {
    await miniflare.dispose();
  }
}

async function fill(dataDir: string, change: (objects: Objects) => void): Promise<void> {
  const objects: Objects = new Map();
  addBucket(objects, "a/b %2F é+&<", "2026-11-23T10", [["1", "2"], ["3"]]);
  addBucket(objects, "c", "2026-11-23T10", [["1"]]);
  change(objects);
  await withBucket(dataDir, async (bucket) => {
    for (const [key, bytes] of objects) await bucket.put(key, bytes);
  });
}

beforeAll(async () => {
  await fill(sound, () => undefined);
  await fill(faulty, (objects) => {
    const part = [...objects.keys()].find((key) => key.endsWith("part-0-1.ndjson.gz")) ?? "";
    objects.delete(part);
  });
  await withBucket(empty, () => Promise.resolve());
}, 30_000);

afterAll(() => {
  for (const folder of [sound, faulty, empty]) rmSync(folder, { recursive: true, force: true });
});

describe("a data directory", () => {
  test("that is sound: one line per bucket, a total, exit code 0", async () => {
    const { code, stdout } = await runScript("verify", ["--data", sound]);
    expect(stdout).toMatch(/2026-11-23T10 balanced +3 rows +2 parts +a\/b %2F é\+&</);
    expect(stdout).toContain("2 sealed buckets, 4 rows: all balanced");
    expect(code).toBe(0);
  });

  test("that is not: the fault by name, exit code 1, and the same as JSON", async () => {
    const { code, stdout } = await runScript("verify", ["--data", faulty]);
    expect(stdout).toMatch(/missing 2 at listing: events\/\S+part-0-1\.ndjson\.gz/);
    expect(stdout).toContain("1 NOT balanced");
    expect(code).toBe(1);
    const json: unknown = JSON.parse((await runScript("verify", ["--data", faulty, "--json"])).stdout);
    expect(json).toMatchObject({ faulty: 1, buckets: [{ findings: [{ kind: "missing", rows: 2 }] }, {}] });
  });

  test.each([
    ["is not there", () => ["--data", join(empty, "nowhere")], "holds no state of a local run"],
    ["holds nothing", () => ["--data", empty], "holds no bucket"],
    ["is given with --s3", () => ["--data", sound, "--s3", "https://x/y"], "not both"],
    ["or an option that does not exist", () => ["--deep"], "Unknown option"],
    ["S3 without keys", () => ["--s3", "https://example.com/bucket"], "AWS_ACCESS_KEY_ID"],
  ])("that %s: exit code 2 and what to do", async (_, args, why) => {
    const blank = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    const { code, stderr } = await runScript("verify", args(), blank);
    expect(stderr).toContain(why);
    expect(code).toBe(2);
  });

  test("that another process uses is left alone", async () => {
    const lock = join(sound, "lock");
    writeFileSync(lock, String(process.pid));
    const { code, stderr } = await runScript("verify", ["--data", sound]);
    expect(stderr).toContain(`in use by process ${process.pid}`);
    expect(code).toBe(2);
    rmSync(lock);
  });
});

describe("an S3 API", () => {
  test("gives the same verdicts", async () => {
    await withBucket(sound, async (_, url) => {
      const { code, stdout, stderr } = await runScript("verify", ["--s3", url], environment);
      expect(stderr).toBe("");
      expect(stdout).toContain("2 sealed buckets, 4 rows: all balanced");
      expect(code).toBe(0);
    });
  });

  test("lists past one page, in key order", async () => {
    await withBucket(empty, async (bucket, url) => {
      const keys = Array.from({ length: 1_003 }, (_, n) => `many/${String(n).padStart(4, "0")}`);
      for (const key of keys) await bucket.put(key, "x");
      expect(await collect(s3Objects(url, credentials).list("many/"))).toEqual(keys);
    });
  }, 30_000);

  test("that refuses the keys or has no such bucket: exit code 2", async () => {
    await withBucket(sound, async (_, url) => {
      const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: "c".repeat(64) };
      const refused = await runScript("verify", ["--s3", url], wrong);
      expect(refused.stderr).toContain("answered 403");
      expect(refused.code).toBe(2);
      const absent = await runScript("verify", ["--s3", `${url}-not`], environment);
      expect(absent.code).toBe(2);
    });
  });
});
