/**
 * Keeps one object alive as the platform does: builds it at its first call, throws it away in a crash with all that was
 * not synced, builds it anew on what is left, and lets its alarm go off at least once.
 */
import { broken } from "../../domain/invariant.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";
import type { Network, Party } from "./network.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

export interface Alarmed {
  alarm(nowMs: number): Promise<void>;
}

/** What one life of an object is given. */
export interface Place {
  readonly life: Life;
  readonly storage: ObjectStorage;
  armAlarm(atMs: number): Promise<void>;
}

export interface HostDeps {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
}

/** One life: from the first call to the next crash. */
export class Life implements Party {
  readonly name: string;
  readonly #died = Promise.withResolvers<never>();
  readonly #crash: (withinMs: number) => void;
  ended = false;
  /** Syncs that have not resolved. */
  syncing = 0;

  constructor(name: string, crash: (withinMs: number) => void) {
    this.name = name;
    this.#crash = crash;
    this.#died.promise.catch(() => undefined);
  }

  mayCrash(withinMs: number): void {
    this.#crash(withinMs);
  }

  end(reason: string): void {
    this.ended = true;
    this.#died.reject(new Error(`the object ended: ${reason}`));
  }

  /** `act`, or the end of the life, whichever comes first. */
  during<Value>(act: Promise<Value>): Promise<Value> {
    act.catch(() => undefined);
    return Promise.race([act, this.#died.promise]);
  }
}

const alarmRetryMs = 2_000;
const syncMs = 12;

export class Host<Built extends Alarmed> {
  readonly name: string;
  readonly #deps: HostDeps;
  readonly #build: (place: Place) => Built;
  #storage = SqliteStorage.blank();
  #present: { readonly life: Life; readonly object: Built } | null = null;
  #alarmRunning = false;
  #armed = 0;
  readonly #mayLoseAlarm: (sql: ObjectStorage["sql"]) => boolean;
  /** Told when a life ends. */
  onCrash: (life: Life) => void = () => undefined;

  constructor(
    name: string,
    deps: HostDeps,
    mayLoseAlarm: (sql: ObjectStorage["sql"]) => boolean,
    build: (place: Place) => Built,
  ) {
    this.name = name;
    this.#deps = deps;
    this.#build = build;
    this.#mayLoseAlarm = mayLoseAlarm;
  }

  /** The present life, if there is one. */
  get life(): Life | null {
    return this.#present?.life ?? null;
  }

  /** For the oracle: what the present or the next life reads. */
  get sql(): ObjectStorage["sql"] {
    return this.#storage.sql;
  }

  /** For the oracle: what a crash at this moment would leave. Slow: it writes everything anew. */
  durable(): ObjectStorage["sql"] {
    return this.#storage.durableCopy().sql;
  }

  /** Calls the object; rejects if its life ends first, as a call to a real object does. */
  async call<Reply>(act: (object: Built) => Promise<Reply>): Promise<Reply> {
    const { life, object } = this.#now();
    return life.during(act(object));
  }

  #now(): { readonly life: Life; readonly object: Built } {
    this.#present ??= this.#start();
    return this.#present;
  }

  #start(): { readonly life: Life; readonly object: Built } {
    const { random, scheduler, network } = this.#deps;
    const storage = this.#storage;
    const life = new Life(this.name, (withinMs) => {
      if (!random.chance(network.rates.crash)) return;
      scheduler.after(random.between(0, withinMs), () => {
        this.crash(life);
      });
    });
    const place: Place = {
      life,
      storage: {
        sql: storage.sql,
        transactionSync: (act) => {
          if (life.ended) throw new Error("the object ended");
          if (random.chance(network.rates.writeFails)) {
            this.#deps.trace.note(`${this.name}: a transaction could not be written`);
            throw new Error("the transaction could not be written");
          }
          return storage.transactionSync(act);
        },
        sync: () => this.#sync(life, storage),
        deleteAll: () => storage.deleteAll(),
      },
      armAlarm: async (atMs) => {
        this.#armed++;
        // Arming writes in the turn of the call, as the platform's does.
        const written = storage.setAlarm(atMs);
        this.#wakeAt(atMs);
        await written;
      },
    };
    return { life, object: this.#build(place) };
  }

  /** Durable is what was written before the call; a crash before the disk has it loses it. */
  async #sync(life: Life, storage: SqliteStorage): Promise<void> {
    const { random, scheduler, network } = this.#deps;
    const flushMs = random.delayMs(syncMs, 3_000, network.rates.slow / 4);
    life.mayCrash(flushMs + 5);
    life.syncing++;
    try {
      await storage.sync(scheduler.sleep(flushMs));
      if (random.chance(0.3)) await scheduler.sleep(random.between(0, 5));
    } catch (error) {
      if (!life.ended) throw error;
    } finally {
      life.syncing--;
    }
    // Nobody is left to hear it.
    if (life.ended) await new Promise<never>(() => undefined);
  }

  /** Ends this life, unless it has ended by itself. */
  crash(life: Life | null): void {
    if (life === null || this.#present?.life !== life) return;
    const { random } = this.#deps;
    // What was written just now may have reached the disk all the same.
    if (random.chance(0.25)) {
      void this.#storage.sync().then(() => {
        this.end(life, "crashed");
      });
    } else this.end(life, "crashed");
  }

  end(life: Life, reason: string): void {
    if (this.#present?.life !== life) return;
    this.#deps.trace.note(`${this.name}: ${reason}`);
    this.onCrash(life);
    this.#present = null;
    this.#alarmRunning = false;
    life.end(reason);
    this.#storage = this.#storage.crash();
    void this.#storage.getAlarm().then((atMs) => {
      if (atMs !== null) this.#wakeAt(atMs);
    });
  }

  #wakeAt(atMs: number): void {
    this.#deps.scheduler.at(atMs, () => {
      void this.#wake();
    });
  }

  async #wake(): Promise<void> {
    const { scheduler, trace, random, network } = this.#deps;
    const atMs = await this.#storage.getAlarm();
    if (atMs === null || atMs > scheduler.nowMs || this.#alarmRunning) return;
    if (random.chance(network.rates.alarmLost) && this.#mayLoseAlarm(this.#storage.sql)) {
      trace.note(`${this.name}: its alarm is lost`);
      trace.reach("alarm_lost");
      await this.#storage.deleteAlarm();
      await this.#storage.sync();
      return;
    }
    trace.note(`${this.name}: alarm`);
    this.#alarmRunning = true;
    const armed = this.#armed;
    const { life } = this.#now();
    try {
      await this.call((object) => object.alarm(scheduler.nowMs));
      if (this.#armed === armed) await this.#storage.deleteAlarm();
      this.#alarmRunning = false;
      const nextMs = await this.#storage.getAlarm();
      if (nextMs !== null) this.#wakeAt(nextMs);
    } catch {
      // The life ended under way: the platform repeats the alarm.
      if (!life.ended) broken(`the alarm of ${this.name} threw`);
      trace.reach("alarm_repeated");
      this.#wakeAt(scheduler.nowMs + alarmRetryMs);
    }
  }
}
