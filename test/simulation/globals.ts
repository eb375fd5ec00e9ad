/**
 * What production code reads of the world behind its interfaces' back: timers, random numbers, the console, and what the
 * platform computes on other threads. While a run is on they are the run's own.
 */
import { createHash } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import zlib from "node:zlib";
import { broken } from "../../domain/invariant.ts";
import { concat, gunzip } from "./codec.ts";
import type { Random } from "./random.ts";
import type { Scheduler, Task } from "./scheduler.ts";

/** Inflates at its end, at once: that of Node works on another thread, in its own time. */
class SyncGunzip {
  readonly #chunks: Uint8Array[] = [];
  readonly #ended = Promise.withResolvers<void>();
  destroyed = false;

  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    this.#ended.resolve();
  }

  destroy(error?: Error): void {
    this.destroyed = true;
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }

  /** It always takes more. */
  on(): void {
    broken("nobody waits for a stream that takes all");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    await this.#ended.promise;
    if (!this.destroyed) yield gunzip(concat(this.#chunks));
  }
}

/** For everybody who imports it: the module's own property is not writable. */
function putGunzip(value: unknown): void {
  Object.defineProperty(zlib, "createGunzip", { value, configurable: true, enumerable: true });
  syncBuiltinESMExports();
}

export interface GlobalsDeps {
  readonly scheduler: Scheduler;
  readonly random: Random;
  log(line: string): void;
}

/** Takes them over; call what it returns to give them back. */
export function takeOver({ scheduler, random, ...deps }: GlobalsDeps): () => void {
  const kept = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    random: Math.random,
    log: Reflect.get(console, "log"),
    createGunzip: Reflect.get(zlib, "createGunzip") as unknown,
  };
  const put = (name: string, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  };
  put("setTimeout", (run: () => void, ms = 0): Task => scheduler.after(ms, run));
  put("clearTimeout", (task: Task | null | undefined): void => {
    if (task) task.cancelled = true;
  });
  Math.random = () => random.fraction();
  Object.defineProperty(crypto, "getRandomValues", {
    value: (bytes: Uint8Array): Uint8Array => {
      for (let at = 0; at < bytes.length; at++) bytes[at] = random.between(0, 255);
      return bytes;
    },
    configurable: true,
  });
  Object.defineProperty(crypto.subtle, "digest", {
    value: async (_name: string, bytes: Uint8Array): Promise<ArrayBuffer> =>
      new Uint8Array(createHash("sha256").update(bytes).digest()).buffer,
    configurable: true,
  });
  putGunzip(() => new SyncGunzip());
  // How long something took is told by the real clock, and differs from run to run.
  Reflect.set(console, "log", (line: string) => {
    deps.log(line.replace(/"durationMs":\d+/, '"durationMs":0'));
  });
  return () => {
    put("setTimeout", kept.setTimeout);
    put("clearTimeout", kept.clearTimeout);
    Math.random = kept.random;
    Reflect.set(console, "log", kept.log);
    Reflect.deleteProperty(crypto, "getRandomValues");
    Reflect.deleteProperty(crypto.subtle, "digest");
    putGunzip(kept.createGunzip);
  };
}
