/**
 * What lives in the Worker's isolate: V8's heap and the buffers that it holds, after a collection, asked through the
 * inspector. Not seen: what the runtime itself holds for it, such as SQLite's pages and streams under way.
 */
import * as z from "zod";
import { readProjectConfig } from "../../scripts/local/config.ts";
import type { LocalRuntime } from "../../scripts/local/runtime.ts";

const Reply = z.looseObject({ id: z.number(), result: z.unknown() });
const HeapUsage = z.looseObject({
  usedSize: z.number(),
  embedderHeapUsedSize: z.number(),
  backingStorageSize: z.number(),
});

/** It is collected in the first or second one. */
const entriesMax = 1_000;

export interface Inspector {
  /** Collects garbage, and answers the bytes that are left. */
  liveBytes(): Promise<number>;
  close(): void;
}

/** The runtime must have been started with its inspector. */
export async function inspect({ miniflare, url }: LocalRuntime): Promise<Inspector> {
  const { name } = readProjectConfig("local");
  const socket = new WebSocket(new URL(`/core:user:${name}`, await miniflare.getInspectorURL()));
  const opened = Promise.withResolvers<void>();
  socket.addEventListener("open", () => {
    opened.resolve();
  });
  socket.addEventListener("error", () => {
    opened.reject(new Error("the isolate's inspector cannot be reached"));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const reply = Reply.safeParse(JSON.parse(String(data)));
    if (reply.success) waiting.get(reply.data.id)?.(reply.data.result);
  });
  await opened.promise;
  let last = 0;
  const ask = (method: string): Promise<unknown> => {
    const id = ++last;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method }));
    return promise.finally(() => waiting.delete(id));
  };
  await ask("HeapProfiler.enable");
  return {
    async liveBytes() {
      // The collection is done when the isolate is entered next: requests enter it.
      const collected = ask("HeapProfiler.collectGarbage").then(() => true);
      const entered = async (): Promise<boolean> => {
        await (await fetch(`${url}/healthz`)).arrayBuffer();
        return false;
      };
      for (let no = 0; !(await Promise.race([collected, entered()])); no++) {
        if (no === entriesMax) throw new Error("the isolate collects no garbage");
      }
      const usage = HeapUsage.parse(await ask("Runtime.getHeapUsage"));
      return usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize;
    },
    close() {
      socket.close();
    },
  };
}
