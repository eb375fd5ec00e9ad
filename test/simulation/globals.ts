/**
 * What production code reads of the world behind its interfaces' back: timers, random numbers, the console, and what the
 * platform computes on other threads. While a run is on they are the run's own.
 */
import { createHash } from "node:crypto";
import { concat, gunzip } from "./codec.ts";
import type { Random } from "./random.ts";
import type { Scheduler, Task } from "./scheduler.ts";

/** Inflates at its end, at once: the platform's own works on another thread, in its own time. */
class SyncDecompression {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;

  constructor(format: string) {
    if (format !== "gzip") throw new TypeError(`no ${format} in a simulation`);
    const chunks: Uint8Array[] = [];
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk) => {
        chunks.push(chunk);
      },
      flush: (controller) => {
        controller.enqueue(gunzip(concat(chunks)));
      },
    });
    this.readable = readable;
    this.writable = writable;
  }
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
    DecompressionStream: Reflect.get(globalThis, "DecompressionStream") as unknown,
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
  put("DecompressionStream", SyncDecompression);
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
    put("DecompressionStream", kept.DecompressionStream);
  };
}
