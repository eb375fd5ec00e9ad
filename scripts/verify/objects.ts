/** The objects of a bucket in R2, as verify reads them. Nothing here writes. */
import { existsSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { readProjectConfig } from "../local/config.ts";
import { lockDataDir } from "../local/lock.ts";
import { resourcesIn } from "../local/runtime.ts";
import { Unusable } from "./unusable.ts";

export interface ObjectSource {
  /** What it reads, for the first line of the report. */
  readonly name: string;
  /** Every key under the prefix, in key order. */
  list(prefix: string): AsyncIterable<string>;
  /** The object's bytes, or null if there is none. A part is bounded by `partBytesMax`. */
  get(key: string): Promise<Uint8Array<ArrayBuffer> | null>;
  close(): Promise<void>;
}

/** The R2 state that the local runtime left in a data directory. The Worker is not started, nor needed. */
export async function localObjects(dataDir: string): Promise<ObjectSource> {
  const directory = resourcesIn(dataDir);
  if (!existsSync(directory)) {
    throw new Unusable(
      `${dataDir} holds no state of a local run; name the --data directory that was given to npm start`,
    );
  }
  const unlock = lockDataDir(dataDir);
  const { events } = readProjectConfig("local");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: directory,
      telemetry: { enabled: false },
      modules: true,
      script: "export default {};",
      r2Buckets: { [events.binding]: events.bucketName },
    }),
  );
  const bucket = await miniflare.getR2Bucket(events.binding);
  return {
    name: dataDir,
    async *list(prefix) {
      let cursor: string | undefined;
      do {
        const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
        yield* page.objects.map((object) => object.key);
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
    },
    async get(key) {
      const object = await bucket.get(key);
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async close() {
      await miniflare.dispose();
      unlock();
    },
  };
}
