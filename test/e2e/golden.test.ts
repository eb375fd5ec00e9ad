/**
 * Golden queries over real events: replayed into their own hours, sealed in both formats, pulled by a `pull` that is killed
 * and repeated, and asked with DuckDB what the posted file itself is asked.
 * The data is not part of the project: without its folder, `../shared/data` or what HOURSEAL_REAL_EVENTS names, these tests
 * are skipped. See that folder's README for where the data comes from.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, createKey } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import type { Database } from "../domain/parquet/duckdb.ts";
import { startMeddler } from "./meddler.ts";
import { filesIn, moveTo, pullHere, register, startPull } from "./pulling.ts";
import { blocksOf, duckDbIn } from "./queries.ts";
import { runScript } from "./run-script.ts";

const folder = process.env["HOURSEAL_REAL_EVENTS"] ?? resolve(import.meta.dirname, "../../../shared/data");
const adminKey = "the-admin-key-of-these-tests";

/** A data set: its files, the members that the replay takes, and the first hour. */
interface RealData {
  readonly files: readonly string[];
  readonly type: string;
  readonly time: string;
  readonly mapping: readonly string[];
  readonly clock: string;
}

const archive: RealData = {
  files: ["gharchive-2015-01-01-0.ndjson.gz", "gharchive-2015-01-01-1.ndjson.gz"],
  type: "type",
  time: "created_at",
  mapping: ["--id-field", "id", "--time-field", "created_at"],
  clock: "2015-01-01T00:00:00Z",
};
const zeek: RealData = {
  files: ["zeek-wrccdc.ndjson.gz"],
  type: "_path",
  time: "_write_ts",
  mapping: ["--type-field", "_path", "--time-field", "_write_ts"],
  clock: "2018-03-24T17:00:00Z",
};
const absent = [...archive.files, ...zeek.files].some((file) => !existsSync(join(folder, file)));

/** The system with a data set in it, sealed and balanced. */
interface Sealed {
  readonly runtime: LocalRuntime;
  readonly types: readonly string[];
  /** A key that may read buckets. */
  readonly reader: string;
  /** Where pulls go, and DuckDB in it. */
  readonly dest: string;
  readonly database: Database;
  readonly end: () => Promise<void>;
}

async function sealed({ files, type, time, mapping, clock }: RealData): Promise<Sealed> {
  const temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  const dataDir = join(temporary, "data");
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  const database = await duckDbIn(temporary);
  const admin: Api = { url: runtime.url, key: adminKey };
  const paths = files.map((file) => join(folder, file));
  const list = paths.map((path) => `'${path}'`).join(", ");
  await database.rows(`CREATE VIEW posted AS
    SELECT json ->> '$."${type}"' AS type, CAST(json ->> '$."${time}"' AS TIMESTAMPTZ) AS time, json AS data
    FROM read_ndjson_objects([${list}], maximum_object_size = 4194304)`);
  const found = await database.rows("SELECT DISTINCT type FROM posted ORDER BY type");
  const types = found.map((row) => String(row["type"]));
  await moveTo(admin, clock);
  for (const one of types) await register(admin, one, { formats: ["ndjson.gz", "parquet"] });
  const writer = await createKey(admin, ["write:*"], "replay");
  const target = ["--url", runtime.url, "--key", writer, "--admin-key", adminKey, "--clock", "--finish"];
  const { code, stdout, stderr } = await runScript("replay", [...paths, ...mapping, ...target]);
  expect([stderr, code], stdout).toEqual(["", 0]);
  return {
    runtime,
    types,
    reader: await createKey(admin, ["read:buckets"], "analyst"),
    dest: join(temporary, "lake"),
    database,
    async end() {
      database.close();
      await runtime.dispose();
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** Pulls every stream; two views are then the same events as `posted`: in columns, and in lines. */
async function pullAll({ types, dest, runtime, reader, database }: Sealed): Promise<void> {
  for (const type of types) {
    const pulled = await pullHere([
      type,
      "--dest",
      dest,
      "--format",
      "all",
      "--balanced",
      "--url",
      runtime.url,
      "--key",
      reader,
    ]);
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 });
  }
  await database.rows(`CREATE VIEW pulled_columns AS
    SELECT type, time, data FROM read_parquet('lake/events/*/*/*/part-*.parquet', union_by_name = true)`);
  await database.rows(`CREATE VIEW pulled_lines AS
    SELECT event ->> '$.type' AS type, CAST(event ->> '$.time' AS TIMESTAMPTZ) AS time, event -> '$.data' AS data
    FROM read_json('lake/events/*/*/*/part-*.ndjson.gz', format = 'newline_delimited', compression = 'gzip',
      maximum_object_size = 4194304, columns = {event: 'JSON'})`);
}

/** The same question to the file that was posted, to columns and to lines. */
async function expectSame(database: Database, queryOf: (from: string) => string): Promise<unknown[]> {
  const posted = await database.rows(queryOf("posted"));
  expect(posted.length).toBeGreaterThan(1);
  expect(await database.rows(queryOf("pulled_columns"))).toEqual(posted);
  expect(await database.rows(queryOf("pulled_lines"))).toEqual(posted);
  return posted;
}

const perMinute = (from: string): string =>
  `SELECT type, date_trunc('minute', time) AS minute, count(*) AS events FROM ${from} GROUP BY ALL ORDER BY ALL`;

const top = (member: string) => (from: string) =>
  `SELECT data ->> '${member}' AS name, count(*) AS events, count(DISTINCT type) AS types, min(time) AS first
   FROM ${from} GROUP BY name ORDER BY events DESC, name LIMIT 20`;

const joined = (from: string): string => `
  WITH active AS (
    SELECT date_trunc('hour', time) AS hour, data ->> '$.actor.login' AS actor, count(*) AS events
    FROM ${from} GROUP BY ALL
  )
  SELECT actor, first.events AS events, second.events AS events_an_hour_later
  FROM active AS first JOIN active AS second USING (actor)
  WHERE second.hour = first.hour + INTERVAL 1 hour ORDER BY ALL`;

/** Every value of every document, whatever its place: nothing is lost on the way. */
const content = (from: string): string =>
  `SELECT type, count(*) AS events, sum(hash(data ->> '$')) AS sum FROM ${from} GROUP BY ALL ORDER BY ALL`;

describe.skipIf(absent)("two hours of a public timeline", () => {
  let hours: Sealed;

  beforeAll(async () => {
    hours = await sealed(archive);
  }, 240_000);

  afterAll(() => hours.end());

  test("[RD6] a pull that is killed is continued by the next one, byte for byte what was sealed", async () => {
    const network = await startMeddler(hours.runtime.url);
    network.meddle = (_, no) => (no === 1 ? "pass" : { stallAfter: 100_000 });
    const args = ["PushEvent", "--dest", hours.dest, "--url", network.url, "--key", hours.reader];
    const killed = startPull([...args, "--parallel", "1"]);
    await network.stalled();
    killed.process.kill("SIGKILL");
    await killed.ended;
    const half = filesIn(join(hours.dest, "events"));
    expect(half.filter((path) => path.includes("part-"))).not.toEqual([]);

    network.meddle = () => "pass";
    network.forget();
    const repeated = await pullHere(args);
    expect([repeated.stderr, repeated.code]).toEqual(["", 0]);
    expect(repeated.stdout).toMatch(/2 hours, 8430 rows, .*: 1 pulled, 1 were there\n$/);
    expect(network.parts()).toHaveLength(1);
    await network.close();
  }, 60_000);

  test("[FO6] are asked as the file that was posted: per type and minute, top sources, a join of the hours", async () => {
    await pullAll(hours);
    const { database } = hours;
    const [all] = await database.rows("SELECT count(*) AS events FROM pulled_columns");
    expect(all).toEqual({ events: "15129" });
    expect((await expectSame(database, perMinute)).length).toBeGreaterThan(1_000);
    await expectSame(database, top("$.repo.name"));
    await expectSame(database, top("$.actor.login"));
    await expectSame(database, joined);
    await expectSame(database, content);
  }, 120_000);

  test("the queries of the README run on them as they stand", async () => {
    const queries = blocksOf("README.md", "## Query it", "sql");
    expect(queries.length).toBeGreaterThan(2);
    const [minutes, sources, both] = await Promise.all(queries.map((query) => hours.database.rows(query)));
    expect(minutes).toEqual(await hours.database.rows(perMinute("posted")));
    expect(sources).toMatchObject([{ source: "replay", events: "15129" }]);
    expect(both).toMatchObject([{ source: "replay", events: "7702", an_hour_later: "7427" }]);
  }, 60_000);
});

describe.skipIf(absent)("an hour of a network log", () => {
  let log: Sealed;

  beforeAll(async () => {
    log = await sealed(zeek);
    await pullAll(log);
  }, 400_000);

  afterAll(() => log.end());

  test("[FO6] is asked as the file that was posted: per type and minute, top sources, a join of two streams", async () => {
    const { database } = log;
    await expectSame(database, perMinute);
    await expectSame(database, top('$."id.orig_h"'));
    await expectSame(
      database,
      (from) => `
        SELECT ssl.data ->> '$."id.resp_h"' AS host, weird.data ->> '$.name' AS name, count(*) AS connections
        FROM ${from} AS ssl JOIN ${from} AS weird ON (ssl.data ->> '$.uid') = (weird.data ->> '$.uid')
        WHERE ssl.type = 'ssl' AND weird.type = 'weird' GROUP BY ALL ORDER BY connections DESC, host, name LIMIT 20`,
    );
    await expectSame(database, content);
  }, 120_000);
});
