/**
 * Baseline (c): the usual design. Each event is a row, its id is unique, and every request is one insert of one object,
 * answered when it is durable. Ids that are there already are left out.
 */
import { DurableObject } from "cloudflare:workers";

interface RowsEnv {
  readonly ROWS: DurableObjectNamespace<Rows>;
}

interface Event {
  readonly id: string;
}

export class Rows extends DurableObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, event TEXT NOT NULL) STRICT",
    );
  }

  async insert(events: readonly (readonly [id: string, event: string])[]): Promise<number> {
    const { sql } = this.ctx.storage;
    // A little faster than a statement for each event.
    sql.exec(
      "INSERT OR IGNORE INTO event (id, event) SELECT value->>0, value->>1 FROM json_each(?)",
      JSON.stringify(events),
    );
    const { inserted } = sql.exec<{ inserted: number }>("SELECT changes() AS inserted").one();
    await this.ctx.storage.sync();
    return inserted;
  }
}

export default {
  async fetch(request, env) {
    const gzip = request.headers.get("content-encoding") === "gzip";
    const body = gzip ? request.body?.pipeThrough(new DecompressionStream("gzip")) : request.body;
    const events: Event[] = await new Response(body ?? null).json();
    const rows = events.map((event): readonly [string, string] => [event.id, JSON.stringify(event)]);
    const accepted = await env.ROWS.getByName(new URL(request.url).pathname).insert(rows);
    return Response.json({ accepted, duplicates: events.length - accepted });
  },
} satisfies ExportedHandler<RowsEnv>;
