/**
 * `npm run pull` as a process of its own, from the running system, through a network that misbehaves.
 * Hours 08 and 10 have events, 09 has none; those of 08 are three parts. What a test breaks, it mends.
 */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Manifest, type Part } from "../../domain/manifest.ts";
import { HourText } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { type Api, createKey, runCron } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { ReplayClock } from "../../scripts/replay/clock.ts";
import { settle } from "../../scripts/replay/settle.ts";
import { type Meddler, startMeddler } from "./meddler.ts";
import {
  type Pulling,
  filesIn,
  idsIn,
  moveTo,
  postEvents,
  pullHere,
  putByShards,
  register,
  sha256Of,
  startPull,
} from "./pulling.ts";
import type { Ran } from "./run-script.ts";

const temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const type = EventType.parse("shop/order é");
const stream = "events/type=shop%2Forder%20%C3%A9/date=2026-05-01";
const shards = 8;
const ids08 = Array.from({ length: 120 }, (_, no) => `a${no}`);
const ids10 = Array.from({ length: 5 }, (_, no) => `b${no}`);
let runtime: LocalRuntime;
let admin: Api;
let key: string;
let network: Meddler;
let dest: string;
let pulls: Pulling[] = [];
let folders = 0;

beforeAll(async () => {
  const adminKey = "the-admin-key-of-these-tests";
  runtime = await startLocalRuntime({ port: 0, dataDir: join(temporary, "data"), adminKey, cron: false });
  admin = { url: runtime.url, key: adminKey };
  await moveTo(admin, "2026-05-01T08:00:00Z");
  await register(admin, type, { shards, partitionBy: "source" });
  await postEvents(admin, type, "2026-05-01T08:00:01Z", ids08, 60_000, 3);
  await putByShards(runtime.miniflare, { type, hour: HourText.parse("2026-05-01T08") }, shards);
  await moveTo(admin, "2026-05-01T10:00:00Z");
  await postEvents(admin, type, "2026-05-01T10:00:01Z", ids10, 100);
  const report = await settle(admin, new ReplayClock(admin), Date.parse("2026-05-01T10:30:00Z"));
  if (!report.balanced) throw new Error(report.text);
  key = await createKey(admin, ["read:buckets"], "analyst");
  network = await startMeddler(runtime.url);
}, 120_000);

afterAll(async () => {
  await network.close();
  await runtime.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

beforeEach(() => {
  dest = join(temporary, `lake${++folders}`);
  network.meddle = () => "pass";
  network.forget();
});

afterEach(async () => {
  for (const { process } of pulls) process.kill("SIGKILL");
  await Promise.all(pulls.map(({ ended }) => ended));
  pulls = [];
});

function begin(...args: readonly string[]): Pulling {
  const pulling = startPull([type, "--dest", dest, "--url", network.url, "--key", key, ...args]);
  pulls.push(pulling);
  return pulling;
}

/** A pull that is not killed runs here: a process takes its time to start. */
function pull(...args: readonly string[]): Promise<Ran> {
  return pullHere([type, "--dest", dest, "--url", network.url, "--key", key, ...args]);
}

/** Paths of the parts of an hour, in the folder. */
function partsOf(hour: string): string[] {
  return filesIn(join(dest, stream, `hour=${hour}`))
    .filter((name) => name.startsWith("part-"))
    .map((name) => join(dest, stream, `hour=${hour}`, name));
}

/** The folder is what lies in R2: nothing less, nothing more, nothing else. */
async function expectWhole(): Promise<void> {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", "hourseal-local");
  for (const [hour, ids] of [
    ["08", ids08],
    ["09", []],
    ["10", ids10],
  ] as const) {
    const folder = join(dest, stream, `hour=${hour}`);
    const listed = await bucket.list({ prefix: `${stream}/hour=${hour}/` });
    expect(filesIn(folder)).toEqual(
      listed.objects.map(({ key: name }) => name.slice(name.lastIndexOf("/") + 1)).toSorted(),
    );
    const manifest = await bucket.get(`${stream}/hour=${hour}/_manifest.json`);
    expect(readFileSync(join(folder, "_manifest.json"), "utf8")).toBe(await manifest?.text());
    expect(idsIn(partsOf(hour))).toEqual([...ids].toSorted());
  }
}

test("[RD5] leaves the sealed hours as they lie in R2, empty ones too, and _SUCCESS; a repeat downloads nothing", async () => {
  const first = await pull();
  expect([first.stderr, first.code]).toEqual(["", 0]);
  expect(first.stdout).toMatch(/2026-05-01T08 pulled +120 rows +3 parts +\S+ MiB  balanced/);
  expect(first.stdout).toMatch(/2026-05-01T09 pulled +0 rows +0 parts/);
  expect(first.stdout).toMatch(/3 hours, 125 rows, .*: 3 pulled, 0 were there\n$/);
  await expectWhole();
  network.forget();
  const second = await pull();
  expect(second.stdout).toMatch(/0 pulled, 3 were there\n$/);
  expect(second.code).toBe(0);
  // The listing, and the hour that comes next.
  expect(network.asked().map(({ path }) => path.replace(/\?.*/, ""))).toEqual([
    "/v1/buckets",
    "/v1/buckets/shop%2Forder%20%C3%A9/2026-05-01T11",
  ]);
}, 60_000);

describe("[RD6] a pull that ends anywhere is continued", () => {
  test("killed in the middle of a part, it leaves no half file, and goes on where it was", async () => {
    network.meddle = (_, no) => (no === 1 ? "pass" : { stallAfter: 300_000 });
    const killed = begin("--parallel", "1");
    await network.stalled();
    const unfinished = () =>
      filesIn(join(dest, stream)).filter(
        (name) => name.endsWith(".partial") && statSync(join(dest, stream, name)).size > 0,
      );
    await expect.poll(unfinished, { timeout: 10_000 }).toHaveLength(1);
    killed.process.kill("SIGKILL");
    await killed.ended;
    const whole = partsOf("08").length;
    expect(whole).toBe(1);
    expect(existsSync(join(dest, stream, "hour=08/_SUCCESS"))).toBe(false);
    expect(existsSync(join(dest, stream, "hour=08/_manifest.json"))).toBe(false);
    const manifest = await manifestOf("08");
    for (const path of partsOf("08"))
      expect(manifest.parts.map(({ sha256 }) => sha256)).toContain(sha256Of(path));

    const [partial = ""] = unfinished();
    const { size } = statSync(join(dest, stream, partial));
    expect(size).toBeGreaterThan(0);
    network.meddle = () => "pass";
    network.forget();
    const { code, stderr } = await pull();
    expect([stderr, code]).toEqual(["", 0]);
    await expectWhole();
    // Two of the three parts of hour 08, one of them from the byte where it ended, and the part of hour 10.
    expect(
      network
        .parts()
        .map(({ range }) => range ?? "")
        .toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual(["", "", `bytes=${size}-`]);
  }, 60_000);

  test("a connection that breaks is begun again where it ended, in the same run", async () => {
    network.meddle = (_, no) => (no % 2 === 1 ? { cutAfter: 200_000 } : "pass");
    const { code, stderr } = await pull("--parallel", "1");
    expect([stderr, code]).toEqual(["", 0]);
    await expectWhole();
    expect(network.parts().filter(({ range }) => range !== null).length).toBeGreaterThanOrEqual(3);
  }, 60_000);

  test("two at once do not meet", async () => {
    network.meddle = () => ({ stallAfter: 1_000 });
    const first = begin();
    await network.stalled();
    const { code, stderr } = await pull();
    expect(stderr).toMatch(/is in use by process \d+; wait for that one/);
    expect(code).toBe(6);
    first.process.kill("SIGKILL");
  }, 60_000);
});

describe("[RD7] what is damaged", () => {
  test.each<[string, (path: string) => void]>([
    [
      "altered",
      (path) => {
        const bytes = readFileSync(path);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
    ],
    ["cut short", (path) => truncateSync(path, 1_000)],
    ["longer", (path) => appendFileSync(path, "x")],
    ["gone", (path) => rmSync(path)],
  ])(
    "in the folder, a part that is %s, is downloaded again, and it alone",
    async (what, damage) => {
      await pull();
      const [path = ""] = partsOf("10");
      damage(path);
      network.forget();
      const { code, stdout, stderr } = await pull();
      if (what !== "gone") expect(stderr).toContain("the local copy is damaged");
      expect(stdout).toMatch(/1 pulled, 2 were there\n$/);
      expect(code).toBe(0);
      expect(network.parts()).toHaveLength(1);
      await expectWhole();
    },
    60_000,
  );

  test("in the unfinished file is found when it is continued, and downloaded from its first byte", async () => {
    network.meddle = (_, no) => (no === 1 ? { stallAfter: 300_000 } : "pass");
    const killed = begin("--parallel", "1", "--to", "2026-05-01T09");
    await network.stalled();
    const unfinished = () => filesIn(join(dest, stream)).filter((name) => name.endsWith(".partial"));
    await expect.poll(unfinished, { timeout: 10_000 }).toHaveLength(1);
    const path = join(dest, stream, unfinished()[0] ?? "");
    await expect.poll(() => statSync(path).size, { timeout: 10_000 }).toBeGreaterThan(1_000);
    killed.process.kill("SIGKILL");
    await killed.ended;
    const bytes = readFileSync(path);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect((await pull()).code).toBe(0);
    await expectWhole();
  }, 60_000);

  test("under way, once, is downloaded again", async () => {
    network.meddle = (_, no) => (no === 2 ? { damageAt: 50 } : "pass");
    const { code } = await pull("--parallel", "1");
    expect(code).toBe(0);
    expect(network.parts()).toHaveLength(5);
    await expectWhole();
  }, 60_000);

  test("every time, is named with its key, and the hour gets no mark; other hours do", async () => {
    network.meddle = ({ path }) => (path.includes("T10/") ? { damageAt: 50 } : "pass");
    const { code, stdout } = await pull();
    expect(code).toBe(1);
    const { key: partKey } = await partOf("10");
    expect(stdout).toContain(`2026-05-01T10 FAULTY: corrupt at reread: ${partKey}`);
    expect(filesIn(join(dest, stream, "hour=10"))).toEqual([]);
    expect(existsSync(join(dest, stream, "hour=08/_SUCCESS"))).toBe(true);
  }, 60_000);

  test.each(["altered", "gone"])(
    "in R2, a part that is %s, is named with its key; a whole copy in the folder stays",
    async (what) => {
      const bucket = await runtime.miniflare.getR2Bucket("EVENTS", "hourseal-local");
      const { key: partKey, sha256 } = await partOf("10");
      const sound = new Uint8Array((await (await bucket.get(partKey))?.arrayBuffer()) ?? []);
      await pull();
      await bucket.delete(partKey);
      if (what === "altered")
        await bucket.put(
          partKey,
          sound.map((byte, at) => (at === 60 ? byte ^ 1 : byte)),
        );
      try {
        expect((await pull()).code).toBe(0);
        rmSync(join(dest, partKey));
        const { code, stdout } = await pull();
        expect(stdout).toContain(`2026-05-01T10 FAULTY: ${partKey}: `);
        expect(stdout).toContain("what lies in R2 is not what was sealed");
        expect(code).toBe(1);
        expect(existsSync(join(dest, stream, "hour=10/_SUCCESS"))).toBe(false);
      } finally {
        await bucket.put(partKey, sound, { sha256 });
      }
      expect((await pull()).code).toBe(0);
      await expectWhole();
    },
    60_000,
  );

  test("a file that the manifest does not list takes the mark away", async () => {
    await pull();
    writeFileSync(join(dest, stream, "hour=10/part-7-0.ndjson.gz"), "x");
    const { code, stdout } = await pull();
    expect(stdout).toContain("part-7-0.ndjson.gz: the manifest does not list this file; move it away");
    expect(code).toBe(1);
    expect(existsSync(join(dest, stream, "hour=10/_SUCCESS"))).toBe(false);
  }, 60_000);
});

describe("[RD8] what is not there yet", () => {
  test("is said with when it is due, and hours before the stream are no hours of it", async () => {
    const { code, stdout } = await pull("--from", "2026-05-01", "--to", "2026-05-01T14");
    expect(stdout).toMatch(/2026-05-01T11 not sealed: The bucket is due at 2026-05-01T12:10:00.000Z/);
    expect(stdout).toMatch(/3 pulled, 0 were there, 3 NOT there\n$/);
    expect(code).toBe(3);
    await expectWhole();
  }, 60_000);

  test("is not followed past the time given", async () => {
    const { code, stderr } = await pull(
      "--follow",
      "--from",
      "2026-05-01T11",
      "--timeout",
      "2s",
      "--poll",
      "1s",
    );
    expect(stderr).toContain("not everything was there after 2 s (--timeout)");
    expect(code).toBe(5);
  }, 60_000);

  test("is followed until it is sealed, and until it is balanced if that is insisted on; or is overdue", async () => {
    await postEvents(admin, type, "2026-05-01T10:59:50Z", ["late"], 100);
    await moveTo(admin, "2026-05-01T11:30:00Z");
    await postEvents(admin, type, "2026-05-01T11:30:00Z", ["c1", "c2"], 100);
    const follower = begin("--follow", "--from", "2026-05-01T11", "--poll", "1s");
    await expect.poll(() => follower.stdout(), { timeout: 20_000 }).toContain("not sealed");
    // The bucket's own alarm seals it. No cron runs: neither the catalog nor the auditor knows.
    await moveTo(admin, "2026-05-01T12:10:30Z");
    const followed = await follower.ended;
    expect(followed.stdout).toMatch(/2026-05-01T11 pulled +\d+ rows +1 part .*not audited yet/);
    expect(followed.code).toBe(0);
    expect(idsIn(partsOf("11"))).toEqual(expect.arrayContaining(["c1", "c2"]));

    const strict = begin(
      "--follow",
      "--from",
      "2026-05-01T11",
      "--to",
      "2026-05-01T12",
      "--poll",
      "1s",
      "--balanced",
    );
    await expect
      .poll(() => strict.stdout(), { timeout: 20_000 })
      .toContain("no auditor has found it balanced");
    await runCron(admin);
    const insisted = await strict.ended;
    expect([insisted.code, insisted.stdout]).toEqual([0, expect.stringContaining("1 were there")]);

    // Hour 12 has no event, so nothing but the cron would seal it.
    const waiting = begin("--follow", "--from", "2026-05-01T12", "--poll", "1s");
    await expect.poll(() => waiting.stdout(), { timeout: 20_000 }).toContain("not sealed");
    await moveTo(admin, "2026-05-01T13:15:01Z");
    const overdue = await waiting.ended;
    expect(overdue.stdout).toContain(
      "2026-05-01T12 OVERDUE: The bucket was due at 2026-05-01T13:10:00.000Z and is overdue: the flusher has not looked at it",
    );
    expect(overdue.code).toBe(4);
    await runCron(admin);
    expect((await pull("--from", "2026-05-01T12", "--to", "2026-05-01T13")).code).toBe(0);
  }, 120_000);
});

describe("what cannot be done: exit code and what to do", () => {
  test.each([
    [["shop/ordr é", "--dest", "x"], 2, "did you mean shop/order é"],
    [["a", "b", "--dest", "x"], 2, "name one stream"],
    [["a"], 2, "say where to with --dest"],
    [["a", "--dest", "x", "--from", "2026-05-01T08:00:00Z"], 2, "here probably 2026-05-01T08"],
    [["a", "--dest", "x", "--from", "2026-05-02", "--to", "2026-05-01"], 2, "must be after --from"],
    [["a", "--dest", "x", "--format", "csv"], 2, "--format takes"],
    [["a", "--dest", "x", "--timeout", "1h"], 2, "--timeout needs --follow"],
    [["a", "--dest", "x", "--follow", "--timeout", "soon"], 2, "a time like 90s"],
    [["a", "--dest", "x", "--parallel", "0"], 2, "--parallel takes a whole number from 1 to 32"],
    [["a", "--dest", "x", "--faster"], 2, "Unknown option '--faster'"],
  ])("%j", async (args, expected, why) => {
    const { code, stderr } = await pullHere([...args, "--url", network.url, "--key", key]);
    expect(stderr).toContain(why);
    expect(code).toBe(expected);
  });

  test("a key that may not read, and a server that is not there", async () => {
    const writer = await createKey(admin, ["write:*"], "writer");
    const refused = await pullHere([type, "--dest", dest, "--url", network.url, "--key", writer]);
    expect(refused.stderr).toContain("lacks the scope read:buckets");
    expect(refused.code).toBe(2);
    const away = await pullHere([type, "--dest", dest, "--url", "http://127.0.0.1:9", "--key", writer]);
    expect(away.stderr).toContain("is it running?");
    expect(away.code).toBe(6);
    const keyless = await pullHere([type, "--dest", dest, "--data", join(temporary, "nowhere")]);
    expect(keyless.stderr).toContain("HOURSEAL_KEY");
    expect(keyless.code).toBe(2);
    expect(existsSync(dest)).toBe(false);
  });

  test("a format that the hours do not have", async () => {
    const { code, stdout } = await pull("--format", "parquet");
    expect(stdout).toContain("2026-05-01T08 not pulled: the hour has no parquet; it has ndjson.gz");
    expect(code).toBe(2);
  });
});

async function partOf(hour: string): Promise<Part> {
  const [part] = (await manifestOf(hour)).parts;
  if (part === undefined) throw new Error(`hour ${hour} has no part`);
  return part;
}

async function manifestOf(hour: string): Promise<Manifest> {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", "hourseal-local");
  const object = await bucket.get(`${stream}/hour=${hour}/_manifest.json`);
  return Manifest.parse(JSON.parse((await object?.text()) ?? ""));
}
