/**
 * Baseline (d): a Node server with SQLite, `synchronous=FULL` and group commit. As (b), it stores the body's bytes and
 * looks at nothing; a request is a row. A group is answered after its COMMIT returned, and COMMIT returns after fsync.
 *
 * Arguments: the database file. Says its port to its parent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

const database = new DatabaseSync(process.argv[2] ?? "");
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS log (no INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
`);
const insert = database.prepare("INSERT INTO log (body) VALUES (?)");

let waiting: { readonly body: Buffer; readonly response: ServerResponse }[] = [];

/** What came while the last group was at the disk is the next one. */
function commit(): void {
  const group = waiting;
  waiting = [];
  database.exec("BEGIN IMMEDIATE");
  for (const { body } of group) insert.run(body);
  database.exec("COMMIT");
  for (const { response } of group) response.writeHead(204).end();
}

function take(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    waiting.push({ body: Buffer.concat(chunks), response });
    if (waiting.length === 1) setImmediate(commit);
  });
}

const server = createServer(take);
server.listen(0, "127.0.0.1", () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on("disconnect", () => process.exit(0));
