/**
 * D1 on Node, over an SQLite database in memory: what the catalog uses of the binding, held to the same contract suite as
 * the real one. Unlike an object's storage it loses nothing: D1 answers when it has committed.
 *
 * `around` stands around every call, so that simulations can delay it, fail it before its effect, or lose its reply.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { broken } from "../../domain/invariant.ts";

export type AroundD1 = <Reply>(what: string, effect: () => Reply) => Promise<Reply>;

type Rows = Record<string, unknown>[];

/** One prepared statement with its bindings. */
class Prepared {
  readonly query: string;
  readonly bindings: readonly SQLInputValue[];
  readonly #run: (statements: readonly Prepared[]) => Promise<D1Result[]>;

  constructor(
    query: string,
    bindings: readonly SQLInputValue[],
    run: (statements: readonly Prepared[]) => Promise<D1Result[]>,
  ) {
    this.query = query;
    this.bindings = bindings;
    this.#run = run;
  }

  bind(...bindings: readonly unknown[]): Prepared {
    return new Prepared(this.query, bindings.map(boundValue), this.#run);
  }

  async all(): Promise<D1Result> {
    const [answer] = await this.#run([this]);
    return answer ?? broken("a statement was not answered");
  }

  run(): Promise<D1Result> {
    return this.all();
  }
}

export class FakeD1 {
  readonly #db = new DatabaseSync(":memory:");
  /** Preparing is most of what a small statement costs. */
  readonly #prepared = new Map<string, StatementSync>();

  /** With the tables of `migrations/`. */
  static migrated(folder: string): FakeD1 {
    const d1 = new FakeD1();
    for (const file of readdirSync(folder).toSorted())
      if (file.endsWith(".sql")) d1.#db.exec(readFileSync(join(folder, file), "utf8"));
    return d1;
  }

  /** For an oracle: reads without a call. */
  select(query: string): Rows {
    return this.#statement(query).all();
  }

  /** The binding as one party sees it. */
  binding(around: AroundD1): D1Database {
    const run = (statements: readonly Prepared[]): Promise<D1Result[]> =>
      around(statements[0]?.query ?? "nothing", () => this.#batch(statements));
    const database = {
      prepare: (query: string) => new Prepared(query, [], run),
      batch: (statements: readonly Prepared[]) => run(statements),
    };
    // Only what the catalog uses of the binding is there.
    return database as unknown as D1Database;
  }

  /** One transaction, as D1 makes of a batch. */
  #batch(statements: readonly Prepared[]): D1Result[] {
    this.#db.exec("BEGIN");
    try {
      const answers = statements.map((statement) => this.#one(statement));
      this.#db.exec("COMMIT");
      return answers;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #one({ query, bindings }: Prepared): D1Result {
    const before = this.#changes();
    const results = this.#statement(query).all(...bindings);
    const meta = { changes: this.#changes() - before };
    return { success: true, results, meta } as unknown as D1Result;
  }

  #changes(): number {
    const [row] = this.#statement("SELECT total_changes() AS changes").all();
    return Number(row?.["changes"] ?? broken("SQLite counts no changes"));
  }

  #statement(query: string): StatementSync {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(query);
    this.#prepared.set(query, statement);
    return statement;
  }
}

/** D1 takes no `undefined`, and neither does this. */
function boundValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  throw new TypeError(`D1_TYPE_ERROR: Type '${typeof value}' not supported`);
}
