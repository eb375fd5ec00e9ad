/** Somebody else's reader of the files: DuckDB in this process, on one thread, so that a figure is CPU. */
import { DuckDBInstance } from "@duckdb/node-api";

export interface Reading {
  readonly groups: number;
  /** How many events in each minute: two narrow columns of all rows. */
  readonly byMinuteMs: number;
  /** Everything of one source in a minute: row groups can be passed over by their bounds. */
  readonly oneSourceMs: number;
  /** Every byte of every column. */
  readonly allMs: number;
  /** What the engine answered: the same for every file of the same rows. */
  readonly answers: string;
}

export interface Engine {
  /** Medians of so many rounds. */
  read(file: string, rounds: number): Promise<Reading>;
  close(): void;
}

export async function openEngine(): Promise<Engine> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run("SET threads = 1");
  const answer = async (query: string): Promise<string> =>
    JSON.stringify((await connection.runAndReadAll(query)).getRowObjectsJson());
  const timed = async (query: string, rounds: number): Promise<{ ms: number; answer: string }> => {
    const first = await answer(query);
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await answer(query);
      took.push(performance.now() - started);
    }
    return { ms: took.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0, answer: first };
  };
  return {
    async read(file, rounds) {
      const from = `FROM read_parquet('${file}')`;
      const byMinute = await timed(
        `SELECT date_trunc('minute', time) AS minute, count(DISTINCT source) AS sources, count(*) AS events ${from} GROUP BY ALL ORDER BY ALL`,
        rounds,
      );
      const oneSource = await timed(
        `SELECT id, data ${from} WHERE source = (SELECT min(source) ${from}) AND time < (SELECT min(time) + INTERVAL 1 MINUTE ${from}) ORDER BY id`,
        rounds,
      );
      const all = await timed(
        `SELECT count(*) AS events, sum(length(COLUMNS(c -> c NOT IN ('extensions'))::VARCHAR)) ${from}`,
        rounds,
      );
      const groups = await connection.runAndReadAll(
        `SELECT count(DISTINCT row_group_id) AS groups FROM parquet_metadata('${file}')`,
      );
      return {
        groups: Number(groups.getRowObjectsJson()[0]?.["groups"]),
        byMinuteMs: byMinute.ms,
        oneSourceMs: oneSource.ms,
        allMs: all.ms,
        answers: [byMinute, oneSource, all].map((one) => one.answer).join("\n"),
      };
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
