/**
 * Baseline (b): the body's bytes are passed to one object and committed there, together with all others that wait.
 * Nothing is looked at: no key, no parsing, no ids. The least that a durable answer costs on this runtime.
 */
import { DurableObject } from "cloudflare:workers";

/** As many as fit a row of SQLite, whose limit in production is 2 MB. */
const rowBytesMax = 1_900_000;

interface CommitEnv {
  readonly COMMIT: DurableObjectNamespace<Commit>;
}

export class Commit extends DurableObject {
  #waiting: {
    readonly bytes: Uint8Array;
    readonly done: () => void;
    readonly fail: (why: unknown) => void;
  }[] = [];
  #running = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS log (no INTEGER PRIMARY KEY, bodies BLOB NOT NULL) STRICT",
    );
  }

  append(body: ArrayBuffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes: new Uint8Array(body), done: resolve, fail: reject });
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        for (const row of rowsOf(group.map(({ bytes }) => bytes))) {
          this.ctx.storage.sql.exec("INSERT INTO log (bodies) VALUES (?)", row);
        }
        await this.ctx.storage.sync();
        for (const { done } of group) done();
      } catch (error) {
        for (const { fail } of group) fail(error);
      }
    }
    this.#running = false;
  }
}

function* rowsOf(bodies: readonly Uint8Array[]): Generator<ArrayBuffer> {
  let from = 0;
  while (from < bodies.length) {
    let to = from;
    let bytes = 0;
    while (to < bodies.length && (to === from || bytes + (bodies[to]?.length ?? 0) <= rowBytesMax)) {
      bytes += bodies[to++]?.length ?? 0;
    }
    const row = new Uint8Array(bytes);
    let at = 0;
    for (const body of bodies.slice(from, to)) {
      row.set(body, at);
      at += body.length;
    }
    yield row.buffer;
    from = to;
  }
}

export default {
  async fetch(request, env) {
    await env.COMMIT.getByName(new URL(request.url).pathname).append(await request.arrayBuffer());
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler<CommitEnv>;
