/**
 * The crash matrix: production objects whose every call to the outside is numbered, and one of which fails.
 *
 * A clean run counts the calls. Then, for each call and each way of failing, the same script runs again with that one
 * failure, and the oracle looks at what came of it. So nobody lists the calls by hand, and none is forgotten.
 */
import { createHash } from "node:crypto";
import { formatOf } from "../../domain/encoding.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import type { PartCodec, RowChunks } from "../../platform/part-codec.ts";
import type { EncodedPart } from "../../platform/part-writer.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";

/**
 * How a call fails. `restarts`: the object that makes the call ends there, and what it had not synced is lost;
 * whoever called it sees an error, and the next call meets a new object on the same storage.
 */
export const failures = ["throws before", "throws after", "restarts before", "restarts after"] as const;
export type Failure = (typeof failures)[number];

export interface Fault {
  readonly call: number;
  readonly failure: Failure;
}

/** One life of an object: ends when the object crashes or is aborted. */
export class Life {
  readonly #died = Promise.withResolvers<never>();
  readonly #end: () => void;
  ended = false;

  constructor(end: () => void) {
    this.#end = end;
    this.#died.promise.catch(() => undefined);
  }

  end(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.#end();
    this.#died.reject(new Error(`the object ended: ${reason}`));
  }

  /** `act`, or the end of the life, whichever comes first. */
  during<Value>(act: Promise<Value>): Promise<Value> {
    act.catch(() => undefined);
    return Promise.race([act, this.#died.promise]);
  }
}

/** Alarms in a row past which an object goes round in circles. */
const alarmsMax = 100;

/** Never resolves: what an object that has ended hears of the outside. */
const silence = new Promise<never>(() => undefined);

/** Numbers the calls to the outside, and fails one of them. */
export class Outside {
  readonly calls: string[] = [];
  readonly #fault: Fault | null;
  failed = false;

  constructor(fault: Fault | null) {
    this.#fault = fault;
  }

  async call<Reply>(life: Life, name: string, effect: () => Promise<Reply>): Promise<Reply> {
    if (life.ended) return silence;
    const failure = this.#next(name);
    if (failure === "throws before") throw new Error(`${name} failed`);
    if (failure === "restarts before") return this.#restart(life, name);
    const reply = await effect();
    if (life.ended) return silence;
    if (failure === "throws after") throw new Error(`the reply to ${name} was lost`);
    if (failure === "restarts after") return this.#restart(life, name);
    return reply;
  }

  /** A call whose effect is there when it returns. What throws out of a transaction has not happened: no "after". */
  transaction<Value>(life: Life, name: string, effect: () => Value): Value {
    const failure = this.#next(name);
    if (failure === "throws before" || failure === "throws after") throw new Error(`${name} failed`);
    if (failure === "restarts before") this.#kill(life, name);
    const value = effect();
    if (failure === "restarts after") this.#kill(life, name);
    return value;
  }

  /**
   * A call whose effect is a write of the synchronous turn: failing before it, it throws there and then, and undoes a
   * transaction around it; failing after it, the write stands and the reply is lost.
   */
  write(life: Life, name: string, effect: () => Promise<void>): Promise<void> {
    const failure = this.#next(name);
    if (failure === "throws before") throw new Error(`${name} failed`);
    if (failure === "restarts before") this.#kill(life, name);
    const written = effect();
    if (failure === "throws after") return Promise.reject(new Error(`the reply to ${name} was lost`));
    if (failure === "restarts after") return this.#restart(life, name);
    return written;
  }

  #next(name: string): Failure | null {
    this.calls.push(name);
    if (this.#fault === null || this.calls.length - 1 !== this.#fault.call) return null;
    this.failed = true;
    return this.#fault.failure;
  }

  #restart(life: Life, name: string): Promise<never> {
    life.end(`restarted at ${name}`);
    return silence;
  }

  #kill(life: Life, name: string): never {
    life.end(`restarted at ${name}`);
    throw new Error(`restarted at ${name}`);
  }
}

/** What an object is given of its host. */
export interface Place {
  readonly life: Life;
  /** Its storage, with `sync` and transactions as calls that can fail. */
  readonly storage: ObjectStorage;
  /** Arms the alarm, in the same synchronous turn, in the storage that crashes with the object. */
  readonly armAlarm: (atMs: number) => Promise<void>;
}

/** Keeps one object alive: a new one on what the storage kept, whenever a life ends. */
export class Host<Built> {
  readonly #name: string;
  readonly #outside: Outside;
  readonly #build: (place: Place) => Built;
  #storage = SqliteStorage.blank();
  #present: { readonly life: Life; readonly object: Built } | null = null;
  lives = 0;

  constructor(name: string, outside: Outside, build: (place: Place) => Built) {
    this.#name = name;
    this.#outside = outside;
    this.#build = build;
  }

  /** Calls the object; rejects if its life ends first, as a call to a real object does. */
  async call<Reply>(act: (object: Built) => Promise<Reply>): Promise<Reply> {
    const { life, object } = this.#now();
    return life.during(act(object));
  }

  /** Ends the object between two calls. */
  crash(): void {
    this.#present?.life.end("crashed");
  }

  /**
   * Lets its alarms go off as the platform does, each at its time: an alarm that ends is over unless it armed anew; one
   * whose object ended under way is repeated. Answers the times, once no alarm is left.
   */
  async alarms(act: (object: Built, nowMs: number) => Promise<void>): Promise<number[]> {
    const times: number[] = [];
    for (;;) {
      const atMs = await this.#storage.getAlarm();
      if (atMs === null) return times;
      if (times.push(atMs) > alarmsMax) throw new Error(`the alarm goes off for ever: ${times.join(", ")}`);
      const { life, object } = this.#now();
      try {
        await life.during(act(object, atMs));
        if ((await this.#storage.getAlarm()) === atMs) await this.#storage.deleteAlarm();
      } catch (error) {
        if (!life.ended) throw error;
      }
    }
  }

  /** The storage as a crash at this moment would leave it. */
  durable(): SqliteStorage {
    return this.#storage.durableCopy();
  }

  #now(): { readonly life: Life; readonly object: Built } {
    this.#present ??= this.#start();
    return this.#present;
  }

  #start(): { readonly life: Life; readonly object: Built } {
    this.lives++;
    const life = new Life(() => {
      this.#present = null;
      this.#storage = this.#storage.crash();
    });
    const storage = this.#storage;
    const outside = this.#outside;
    const name = this.#name;
    const place: Place = {
      life,
      storage: {
        sql: storage.sql,
        transactionSync: (act) => {
          if (life.ended) throw new Error("the object ended");
          return outside.transaction(life, `${name}: transaction`, () => storage.transactionSync(act));
        },
        sync: () => outside.call(life, `${name}: sync`, () => storage.sync()),
        deleteAll: () => outside.call(life, `${name}: delete all`, () => storage.deleteAll()),
      },
      armAlarm: (atMs) => outside.write(life, `${name}: arm alarm`, () => storage.setAlarm(atMs)),
    };
    return { life, object: this.#build(place) };
  }
}

/** A codec that writes lines whatever the format is, uncompressed, so that a matrix over megabytes stays quick. */
export const plainCodec: PartCodec = {
  async encode({ encoder }, chunks, bytesMax): Promise<EncodedPart | null> {
    const bytes = concat(await allOf(chunks));
    return bytes.length > bytesMax ? null : { format: formatOf(encoder), bytes, sha256: sha256Of(bytes) };
  },
  contentSha256: async (_format, bytes) => sha256Of(bytes),
  sha256: async (bytes) => sha256Of(bytes),
};

async function allOf(chunks: RowChunks): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Does it again until it works, as callers do; a bound on the tries, as everywhere. */
export async function untilDone<Reply>(act: (attempt: number) => Promise<Reply>): Promise<Reply> {
  let last: unknown;
  for (let attempt = 0; attempt < 6; attempt++) {
    try {
      return await act(attempt);
    } catch (error) {
      last = error;
    }
  }
  throw new Error("one failure, and it never recovered", { cause: last });
}
