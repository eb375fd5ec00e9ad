/**
 * What production code reads of the world behind its interfaces' back: timers, random numbers and the console. While a
 * run is on they are the run's own.
 */
import type { Random } from "./random.ts";
import type { Scheduler, Task } from "./scheduler.ts";

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
  Reflect.set(console, "log", (line: string) => {
    deps.log(line);
  });
  return () => {
    put("setTimeout", kept.setTimeout);
    put("clearTimeout", kept.clearTimeout);
    Math.random = kept.random;
    Reflect.set(console, "log", kept.log);
    Reflect.deleteProperty(crypto, "getRandomValues");
  };
}
