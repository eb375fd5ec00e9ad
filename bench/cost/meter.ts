/**
 * Counting what the platform would bill, from outside of the code that is counted: the counting composition puts these
 * around the runtime's own objects before the production classes see them.
 *
 * Counted are rows as SQLite's own cursors tell them, calls as they arrive at an object, R2 and D1 operations as they
 * are made, and the wall time in which an object has at least one call at work. Not counted is what local mode alone
 * does: the virtual clock and its marks.
 */

const counts: Record<string, number> = {};

export function count(name: string, by = 1): void {
  if (by !== 0) counts[name] = (counts[name] ?? 0) + by;
}

export function countsNow(): Record<string, number> {
  return { ...counts };
}

type AnyMethod = (...args: unknown[]) => unknown;

/** Replaces a method of one object, once; the replacement gets the original, bound. */
function wrap(object: object, name: string, replace: (original: AnyMethod) => AnyMethod): void {
  const original = (object as Record<string, unknown>)[name];
  if (typeof original !== "function" || wrapped.has(original)) return;
  const replacement = replace(original.bind(object) as AnyMethod);
  wrapped.add(replacement);
  Object.defineProperty(object, name, { value: replacement, configurable: true });
}

const wrapped = new WeakSet<object>();

/** A statement as a user of rows: its first words, and what it is about. */
function useOf(sql: string): string {
  const words = sql.replaceAll(/--.*$/gm, "").trim().split(/\s+/);
  const verb = (words[0] ?? "").toUpperCase();
  const after = { SELECT: "FROM", DELETE: "FROM", INSERT: "INTO", CREATE: "TABLE", DROP: "TABLE" }[verb];
  const at = after === undefined ? 0 : words.findIndex((word) => word.toUpperCase() === after);
  const about = words[at + 1]?.replaceAll(/[^\w]/g, "") ?? "";
  return `${verb} ${about}`;
}

interface Cursor {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  toArray(): unknown[];
  [Symbol.iterator](): Iterator<unknown>;
}

/** The object's storage, with its rows counted under the name of its class. */
export function countedState(ctx: DurableObjectState, className: string): DurableObjectState {
  const { storage } = ctx;
  wrap(storage.sql, "exec", (exec) => (query, ...bindings) => {
    const text = String(query);
    // A cursor tells the rows of its last statement only; tables are made several at a time.
    const statements =
      bindings.length > 0 ? [text] : text.split(/;\s*(?:\n|$)/).filter((one) => /\w/.test(one));
    let cursor: Cursor | null = null;
    for (const statement of statements) {
      cursor = exec(statement, ...bindings) as Cursor;
      countCursor(cursor, `${className} ${useOf(statement)}`);
    }
    return cursor;
  });
  wrap(storage, "setAlarm", (setAlarm) => (...args) => {
    count(`rows_written/${className} setAlarm`);
    return setAlarm(...args);
  });
  wrap(storage, "deleteAll", (deleteAll) => (...args) => {
    count(`rows_written/${className} deleteAll`);
    count(`objects_retired/${className}`);
    return deleteAll(...args);
  });
  return ctx;
}

function countCursor(cursor: Cursor, use: string): void {
  let read = 0;
  let written = 0;
  const tell = (): void => {
    count(`rows_read/${use}`, cursor.rowsRead - read);
    count(`rows_written/${use}`, cursor.rowsWritten - written);
    read = cursor.rowsRead;
    written = cursor.rowsWritten;
  };
  tell();
  wrap(cursor, "toArray", (toArray) => () => {
    const rows = toArray();
    tell();
    return rows;
  });
  const iterate = cursor[Symbol.iterator].bind(cursor);
  Object.defineProperty(cursor, Symbol.iterator, {
    value: function* () {
      try {
        yield* { [Symbol.iterator]: iterate };
      } finally {
        tell();
      }
    },
  });
}

/** Calls at work in each object, and since when there is one. */
const atWork = new WeakMap<object, { calls: number; since: number }>();

/** Counts every call and alarm of a class of objects, and the time for which each object is at work. */
export function countCalls(className: string, prototype: object): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const original = (prototype as Record<string, unknown>)[name];
    if (name === "constructor" || typeof original !== "function") continue;
    Object.defineProperty(prototype, name, {
      configurable: true,
      value: async function (this: object, ...args: unknown[]): Promise<unknown> {
        count(`object_requests/${className}.${name}`);
        begin(this);
        try {
          return await (Reflect.apply(original, this, args) as Promise<unknown>);
        } finally {
          end(this, className);
        }
      },
    });
  }
}

function begin(object: object): void {
  const known = atWork.get(object) ?? { calls: 0, since: 0 };
  if (known.calls++ === 0) known.since = Date.now();
  atWork.set(object, known);
}

function end(object: object, className: string): void {
  const known = atWork.get(object);
  if (known === undefined || --known.calls > 0) return;
  // 128 MB for as long as anything is at work.
  count(`object_gb_s/${className}`, ((Date.now() - known.since) / 1_000) * 0.125);
}

interface Bindings {
  readonly EVENTS: R2Bucket;
  readonly CATALOG: D1Database;
}

/** The bindings, with the operations on R2 and the rows of D1 counted. */
export function countedEnv<Env extends Bindings>(env: Env): Env {
  for (const name of ["put", "list"]) countOperation(env.EVENTS, name, "r2_class_a");
  for (const name of ["get", "head"]) countOperation(env.EVENTS, name, "r2_class_b");
  wrap(env.EVENTS, "put", (put) => (key, bytes, ...rest) => {
    if (bytes instanceof Uint8Array) count("r2_bytes/put", bytes.length);
    return put(key, bytes, ...rest);
  });
  wrap(
    env.CATALOG,
    "prepare",
    (prepare) => (sql) => countedStatement(prepare(sql) as Statement, String(sql)),
  );
  wrap(env.CATALOG, "batch", (batch) => async (statements) => {
    const results = (await batch(statements)) as D1Result[];
    results.forEach((result, at) => {
      countResult(result, statementText.get((statements as object[])[at] ?? {}) ?? "?");
    });
    return results;
  });
  return env;
}

function countOperation(bucket: R2Bucket, name: string, meter: string): void {
  wrap(bucket, name, (operation) => (...args) => {
    const [about = ""] = typeof args[0] === "string" ? args[0].split("/") : [];
    count(`${meter}/${name} ${about}`);
    return operation(...args);
  });
}

interface Statement {
  bind(...values: unknown[]): Statement;
}

const statementText = new WeakMap<object, string>();

function countedStatement(statement: Statement, sql: string): Statement {
  statementText.set(statement, sql);
  wrap(
    statement,
    "bind",
    (bind) =>
      (...values) =>
        countedStatement(bind(...values) as Statement, sql),
  );
  for (const name of ["all", "run"]) {
    wrap(statement, name, (run) => async (...args) => {
      const result = (await run(...args)) as D1Result;
      countResult(result, sql);
      return result;
    });
  }
  return statement;
}

function countResult({ meta }: D1Result, sql: string): void {
  count(`d1_rows_read/${useOf(sql)}`, meta.rows_read);
  count(`d1_rows_written/${useOf(sql)}`, meta.rows_written);
  count("d1_queries/all");
}
