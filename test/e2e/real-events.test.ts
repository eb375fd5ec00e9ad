/**
 * Real events, replayed into their own hours under the virtual clock, and compared with their source line by line.
 * The data is not part of the project: without its folder, `../shared/data` or what HOURSEAL_REAL_EVENTS names, these tests
 * are skipped. See that folder's README for where the data comes from.
 */
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { Manifest } from "../../domain/manifest.ts";
import { localObjects } from "../../scripts/verify/objects.ts";
import { runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const folder = process.env["HOURSEAL_REAL_EVENTS"] ?? resolve(import.meta.dirname, "../../../shared/data");
const archive = ["gharchive-2015-01-01-0.ndjson.gz", "gharchive-2015-01-01-1.ndjson.gz"];
const zeek = ["zeek-wrccdc.ndjson.gz"];
const absent = !existsSync(join(folder, archive[0] ?? ""));

let temporary: string;
let running: Running | null = null;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
});

afterEach(async () => {
  await running?.end("SIGKILL");
  running = null;
  rmSync(temporary, { recursive: true, force: true });
});

/** Replays the files, the first one twice, and answers what the replays printed and what lies in R2 afterwards. */
async function replayed(
  files: readonly string[],
  clock: string,
  mapping: readonly string[],
): Promise<{
  readonly printed: string;
  readonly rows: ReadonlyMap<string, string>;
  readonly repeated: number;
}> {
  const dataDir = join(temporary, "data");
  running = await start(dataDir, ["--port", "0", "--clock", clock]);
  const target = [
    "--url",
    running.url,
    "--data",
    dataDir,
    "--clock",
    "--register",
    "--source",
    "//test/real",
  ];
  const paths = files.map((file) => join(folder, file));
  const first = await runScript("replay", [...paths.slice(0, 1), ...mapping, ...target]);
  const all = await runScript("replay", [...paths, ...mapping, ...target, "--finish"]);
  await running.end("SIGTERM");
  running = null;
  const verified = await runScript("verify", ["--data", dataDir]);
  const printed = [first.stdout, all.stdout, verified.stdout, first.stderr, all.stderr].join("\n");
  return { printed, ...(await delivered(dataDir)) };
}

const Row = z.looseObject({ event: z.looseObject({ id: z.string(), type: z.string() }) });

/** The data of every delivered row, as text, by type and id. */
async function delivered(dataDir: string): Promise<{ rows: Map<string, string>; repeated: number }> {
  const source = await localObjects(dataDir);
  const rows = new Map<string, string>();
  let repeated = 0;
  try {
    for await (const key of source.list("events/")) {
      if (!key.endsWith("/_manifest.json")) continue;
      const manifest = Manifest.parse(JSON.parse(textOf(await source.get(key))));
      for (const part of manifest.parts) {
        const text = gunzipSync((await source.get(part.key)) ?? new Uint8Array()).toString("utf8");
        for (const line of text.split("\n").slice(0, -1)) {
          const { id, type } = Row.parse(JSON.parse(line)).event;
          if (rows.has(`${type} ${id}`)) repeated++;
          // The data is the event's last member, as the replay wrote it.
          rows.set(`${type} ${id}`, line.slice(line.indexOf('"data":') + 7, -2));
        }
      }
    }
  } finally {
    await source.close();
  }
  return { rows, repeated };
}

function textOf(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}

/** Every line of the files, by the name that its row must have. */
async function expected(
  files: readonly string[],
  nameOf: (line: Record<string, unknown>, file: string, no: number) => string,
): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  for (const file of files) {
    const input = createReadStream(join(folder, file)).pipe(createGunzip());
    let no = 0;
    for await (const line of createInterface({ input })) {
      no++;
      lines.set(nameOf(z.record(z.string(), z.unknown()).parse(JSON.parse(line)), basename(file), no), line);
    }
  }
  return lines;
}

describe.skipIf(absent)("real events", () => {
  test("[EV2] [LO3] [AU10] two hours of a public timeline come back as they were, in 28 balanced buckets", async () => {
    const { printed, rows, repeated } = await replayed(archive, "2015-01-01T00:00:00Z", [
      "--id-field",
      "id",
      "--time-field",
      "created_at",
    ]);
    const lines = await expected(archive, (line) => `${String(line["type"])} ${String(line["id"])}`);
    expect(printed).toMatch(/audit: 28 buckets balanced, 0 not; 15129 rows/);
    expect(printed).toMatch(/28 sealed buckets, 15129 rows: all balanced/);
    expect(repeated).toBe(0);
    expect(rows.size).toBe(15_129);
    expect(lines.size).toBe(15_129);
    for (const [name, line] of lines) if (rows.get(name) !== line) expect(rows.get(name)).toBe(line);
  }, 240_000);

  test("[EV2] [LO3] a network log without ids comes back as it was, in 30 balanced buckets", async () => {
    const mapping = ["--type-field", "_path", "--time-field", "_write_ts"];
    const { printed, rows, repeated } = await replayed(zeek, "2018-03-24T17:00:00Z", mapping);
    const lines = await expected(zeek, (line, file, no) => `${String(line["_path"])} ${file}:${no}`);
    expect(printed).toMatch(/audit: 30 buckets balanced, 0 not; 157926 rows/);
    expect(printed).toMatch(/30 sealed buckets, 157926 rows: all balanced/);
    expect(repeated).toBe(0);
    expect(rows.size).toBe(157_926);
    for (const [name, line] of lines) if (rows.get(name) !== line) expect(rows.get(name)).toBe(line);
  }, 300_000);
});
