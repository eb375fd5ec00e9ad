/** The running system with sealed hours in it, and `npm run pull` as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { startOf } from "../../domain/hour.ts";
import { type BucketAddress, ShardIndex, shardName } from "../../domain/ids.ts";
import type { ShardRpc } from "../../domain/messages.ts";
import { protocolVersion } from "../../domain/plan.ts";
import { type Api, call, createKey, moveClock, putStream } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import type { LocalRuntime } from "../../scripts/local/runtime.ts";
import { pullMain } from "../../scripts/pull/main.ts";
import type { Ran } from "./run-script.ts";

const root = resolve(import.meta.dirname, "../..");

/** Posts events of this many bytes each, which gzip cannot make smaller, dated one second apart from `from` on. */
export async function postEvents(
  api: Api,
  type: string,
  from: string,
  ids: readonly string[],
  bytes: number,
  sources = 1,
): Promise<void> {
  const client = { url: api.url, key: await createKey(api, ["write:*"], "test") };
  const startMs = Date.parse(from);
  const events = ids.map((id, index) => ({
    specversion: "1.0",
    id,
    source: `//test/pull/${index % sources}`,
    type,
    time: new Date(startMs + index * 1_000).toISOString(),
    data: randomBytes(Math.ceil(bytes / 2)).toString("hex"),
  }));
  const perRequest = Math.max(1, Math.floor(4_000_000 / (bytes + 200)));
  for (let at = 0; at < events.length; at += perRequest) {
    const reply = await call(client, "POST", "/v1/events", events.slice(at, at + perRequest));
    const { accepted } = z.looseObject({ accepted: z.number() }).parse(reply);
    if (accepted !== Math.min(perRequest, events.length - at)) throw new Error(`accepted: ${accepted}`);
  }
}

/** Closes the shards of an hour so that each has put its rows as parts of its own, as shards of more rows than this do. */
export async function putByShards(
  miniflare: LocalRuntime["miniflare"],
  address: BucketAddress,
  shards: number,
): Promise<void> {
  const namespace = await miniflare.getDurableObjectNamespace("EVENT_SHARD", readProjectConfig("local").name);
  for (let no = 0; no < shards; no++) {
    const name = shardName({ ...address, index: ShardIndex.parse(no) });
    const stub = namespace.get(namespace.idFromName(name)) as unknown as ShardRpc;
    const { hour } = address;
    if ((await stub.unflushedBytes(hour)) === 0) continue;
    const message = { protocol: protocolVersion, hour, nowMs: startOf(hour), carryBytes: 0 };
    const reply = await stub.close({ ...message, formats: ["ndjson.gz"] });
    if (!reply.closed || reply.receipt.tail !== null) throw new Error(`${name} put none`);
  }
}

export async function register(api: Api, type: string, settings: object = {}): Promise<void> {
  await putStream(api, type, settings);
}

export async function moveTo(api: Api, now: string): Promise<void> {
  const { failures } = await moveClock(api, now);
  if (failures.length > 0) throw new Error(failures.join("; "));
}

/** The same within the test's own process: it need not be killed, and a process takes its time to start. */
export async function pullHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await pullMain(args, env, {
    out: (line) => out.push(`${line}\n`),
    err: (line) => err.push(`${line}\n`),
    terminal: null,
  });
  return { code, stdout: out.join(""), stderr: err.join("") };
}

export interface Pulling {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
  readonly stdout: () => string;
}

export function startPull(args: readonly string[]): Pulling {
  const child = spawn(process.execPath, [join(root, "scripts", "pull.ts"), ...args], {
    cwd: root,
    env: { ...process.env, HOURSEAL_KEY: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const ended = new Promise<Ran>((done) => {
    child.on("close", (code) => {
      done({ code, stdout, stderr });
    });
  });
  return { process: child, ended, stdout: () => stdout };
}

/** Every file under the folder, relative to it, in order. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}

const Row = z.looseObject({ event: z.looseObject({ id: z.string() }) });

/** The ids of all rows in these files, in order. */
export function idsIn(paths: readonly string[]): string[] {
  return paths
    .flatMap((path) => gunzipSync(readFileSync(path)).toString("utf8").split("\n").slice(0, -1))
    .map((line) => Row.parse(JSON.parse(line)).event.id)
    .toSorted();
}

export function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
