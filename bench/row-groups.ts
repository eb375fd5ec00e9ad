/**
 * `npm run bench:row-groups`: what the size of row groups and the compression of a Parquet part do to its bytes, to what
 * encoding it takes, and to how long an engine (DuckDB) takes to read it. Encoded by the encoder of the product, over the
 * same rows each time. See docs/performance.md.
 * Exit code: 0 measured, 1 an engine answered differently for two of the files, 2 bad arguments.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wholeNumber } from "../scripts/local/arguments.ts";
import { runCommand } from "../scripts/local/command.ts";
import { table } from "./cost/report.ts";
import { compressions, encodeFile } from "./row-groups/encode.ts";
import { type Reading, openEngine } from "./row-groups/engine.ts";
import { generatedRows, rowsOfFile } from "./row-groups/rows.ts";

const usage = `npm run bench:row-groups -- [options]

  --rows N        generated events of about 500 bytes (default 200000)
  --events FILE   events to take instead, as npm run replay makes them of a file; --type-field, --id-field, --time-field
                  and --source as there
  --mib N,M,…     bytes of rows in a group, in MiB (default 1,2,4,8,16,32)
  --rounds N      of each query; the median counts (default 5)
  --json FILE     every figure

About two minutes.`;

interface Measured {
  readonly compression: string;
  readonly groupMiB: number;
  readonly bytes: number;
  readonly encodeMs: number;
  readonly reading: Reading;
}

async function rowGroups(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: "string", default: "200000" },
      events: { type: "string" },
      "type-field": { type: "string", default: "type" },
      "id-field": { type: "string" },
      "time-field": { type: "string" },
      source: { type: "string", default: "replay" },
      mib: { type: "string", default: "1,2,4,8,16,32" },
      rounds: { type: "string", default: "5" },
      json: { type: "string" },
    },
  });
  const sizes = values.mib.split(",").map((text) => wholeNumber("mib", text, 1, 1_024));
  const rounds = wholeNumber("rounds", values.rounds, 1, 1_000);
  const rows =
    values.events === undefined
      ? generatedRows(wholeNumber("rows", values.rows, 1, 20_000_000))
      : await rowsOfFile(values.events, {
          typeField: values["type-field"],
          idField: values["id-field"] ?? null,
          timeField: values["time-field"] ?? null,
          source: values.source,
        });
  const dir = mkdtempSync(join(tmpdir(), "hourseal-row-groups-"));
  const engine = await openEngine();
  try {
    const measured: Measured[] = [];
    const file = join(dir, "part.parquet");
    for (const [compression, make] of Object.entries(compressions)) {
      for (const groupMiB of sizes) {
        const { bytes, ...rest } = encodeFile(rows, make, groupMiB * 1_048_576);
        writeFileSync(file, bytes);
        const reading = await engine.read(file, rounds);
        measured.push({ compression, groupMiB, bytes: bytes.length, ...rest, reading });
        console.error(`${compression}, groups of ${groupMiB} MiB: measured`);
      }
    }
    console.log(`${rows.count.toLocaleString("en")} rows, ${mib(rows.plainBytes)} MiB as lines\n`);
    console.log(tableOf(measured));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(measured, null, 2)}\n`);
    const answers = new Set(measured.map(({ reading }) => reading.answers));
    if (answers.size > 1) console.error("row-groups: the engine answered differently for two of the files");
    return answers.size > 1 ? 1 : 0;
  } finally {
    engine.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function tableOf(measured: readonly Measured[]): string {
  return table(
    ["compression", "group", "groups", "file", "encode", "count by minute", "one source", "all of it"],
    measured.map((one) => [
      one.compression,
      `${one.groupMiB} MiB`,
      String(one.reading.groups),
      `${mib(one.bytes)} MiB`,
      `${(one.encodeMs / 1_000).toFixed(2)} s`,
      `${one.reading.byMinuteMs.toFixed(0)} ms`,
      `${one.reading.oneSourceMs.toFixed(0)} ms`,
      `${one.reading.allMs.toFixed(0)} ms`,
    ]),
  );
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}

process.exitCode = await runCommand(
  { name: "bench:row-groups", usage, failedCode: 1 },
  process.argv.slice(2),
  rowGroups,
);
