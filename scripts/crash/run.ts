/**
 * One crash run: starts the system, lets clients post without pause, kills the runtime at seeded moments, starts it
 * again on the same data, and in the end seals and audits everything.
 *
 * The seed fixes every choice: phases, fractions, events. When exactly a kill lands is the machine's.
 */
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import { graceMsDefault, sealJitterMsMax } from "../../domain/limits.ts";
import type { AuditOutcome } from "../local/audit-report.ts";
import { type Api, putStream } from "../local/client.ts";
import { adminKeyPath, clientKeyPath, keptKey } from "../local/kept-keys.ts";
import { ReplayClock } from "../replay/clock.ts";
import { settle } from "../replay/settle.ts";
import { type Clients, startClients } from "./clients.ts";
import { type Horizon, streams } from "./events.ts";
import { Gate } from "./gate.ts";
import { type PhaseCounts, type Phase, phaseCounts } from "./phases.ts";
import { type Random, randomOf } from "./random.ts";
import { ClientRecord } from "./record.ts";
import { KillableRuntime } from "./runtime.ts";
import { StepLength, Steps, again } from "./steps.ts";

export interface CrashRunOptions {
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  readonly late: number;
  readonly dataDir: string;
  readonly onKill: (no: number, phase: Phase) => void;
}

export interface CrashRun {
  readonly record: ClientRecord;
  readonly phases: PhaseCounts;
  readonly starts: number;
  readonly startMs: number;
  readonly alarmFailures: readonly string[];
  readonly audit: AuditOutcome;
}

const startsAtMs = epochMs(Date.parse("2026-03-01T00:02:00Z"));
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Within this every event must have its answer once the runtime is up. */
const drainMs = 90_000;

export async function crashRun(options: CrashRunOptions): Promise<CrashRun> {
  const { dataDir } = options;
  const runtime = new KillableRuntime(dataDir, isoOf(startsAtMs));
  try {
    await runtime.start();
    const admin = apiOf(runtime, adminKeyPath(dataDir));
    for (const { type, settings } of streams) await putStream(admin, type, settings);
    const run = new Run(options, runtime, admin, apiOf(runtime, clientKeyPath(dataDir)));
    return await run.toTheEnd();
  } finally {
    runtime.abandon();
  }
}

function apiOf(runtime: KillableRuntime, keyPath: string): Api {
  return { url: runtime.url, key: keptKey(keyPath) ?? "" };
}

class Run {
  readonly #options: CrashRunOptions;
  readonly #runtime: KillableRuntime;
  readonly #admin: Api;
  readonly #steps: Steps;
  readonly #random: Random;
  readonly #record = new ClientRecord();
  readonly #gate = new Gate();
  readonly #giveUp = new AbortController();
  readonly #horizon: Horizon;
  readonly #clients: Clients;
  readonly #phases = phaseCounts();
  readonly #lengths = { seal: new StepLength(250), audit: new StepLength(400) };
  #kills = 0;
  /** Something was sealed that no cron has audited to the end. */
  #unaudited = false;

  constructor(options: CrashRunOptions, runtime: KillableRuntime, admin: Api, client: Api) {
    this.#options = options;
    this.#runtime = runtime;
    this.#admin = admin;
    this.#steps = new Steps(admin);
    this.#random = randomOf(options.seed);
    this.#horizon = { hourMs: hourStart(startsAtMs), graceShare: 0, lateShare: options.late };
    let no = 0;
    this.#clients = startClients(options.clients, this.#random.fork(), {
      api: client,
      record: this.#record,
      gate: this.#gate,
      horizon: this.#horizon,
      nextNo: () => ++no,
      signal: this.#giveUp.signal,
    });
  }

  async toTheEnd(): Promise<CrashRun> {
    try {
      while (this.#kills < this.#options.kills) {
        await this.#cycle();
        const failure = this.#clients.failure();
        if (failure !== null) throw failure;
      }
      await pause(300);
      this.#clients.stop();
      await within(drainMs, this.#clients.ended, "not every event was answered");
      return await this.#finish();
    } catch (error) {
      this.#giveUp.abort(error);
      this.#clients.stop();
      this.#gate.open();
      await this.#clients.ended.catch(() => undefined);
      throw error;
    }
  }

  /** Seals and audits everything, and stops the runtime in good order. */
  async #finish(): Promise<CrashRun> {
    const clock = new ReplayClock(this.#admin);
    const audit = await settle(this.#admin, clock, await this.#steps.now());
    await this.#runtime.stop();
    return {
      record: this.#record,
      phases: this.#phases,
      starts: this.#runtime.starts,
      startMs: this.#runtime.startMs,
      alarmFailures: this.#steps.alarmFailures,
      audit,
    };
  }

  /** One kill, or two if the second comes right after the start. */
  async #cycle(): Promise<void> {
    await this.#followClock();
    const draw = this.#random.fraction();
    if (draw < 0.4) await this.#underLoad();
    else if (draw < 0.75) await this.#inTheSeal();
    else await this.#inTheAudit();
    if (this.#kills < this.#options.kills && this.#random.chance(0.15)) {
      await pause(this.#random.between(0, 400));
      await this.#kill("start", true);
    }
  }

  async #underLoad(): Promise<void> {
    await pause(this.#random.between(50, 2_000));
    await this.#kill("load", true);
  }

  async #inTheSeal(): Promise<void> {
    const toMs = await this.#toNextHour();
    await this.#killWithin("seal", () => this.#steps.moveTo(toMs));
    this.#unaudited = true;
  }

  async #inTheAudit(): Promise<void> {
    if (!this.#unaudited) {
      const toMs = await this.#toNextHour();
      await again(() => this.#steps.moveTo(toMs));
    }
    await this.#killWithin("audit", () => this.#steps.cron());
    this.#unaudited = false;
  }

  /**
   * Moves the clock into the next hour, or the one after, while clients post to both sides of the border; answers the
   * time at which the hour left behind is past its grace. Unless late events are welcome, nobody may be holding one when
   * its hour can no longer take it.
   */
  async #toNextHour(): Promise<EpochMs> {
    const hours = this.#random.between(1, 2);
    const nextMs = epochMs(this.#horizon.hourMs + hours * hourMs);
    if (hours > 1) await this.#drain();
    await again(() => this.#steps.moveTo(nextMs + this.#random.between(1, 60) * 1_000));
    await this.#leaveHour(nextMs);
    return epochMs(nextMs + graceMsDefault + sealJitterMsMax + minuteMs);
  }

  async #leaveHour(nextMs: EpochMs): Promise<void> {
    this.#horizon.hourMs = nextMs;
    this.#horizon.graceShare = 0.3;
    this.#gate.open();
    await pause(this.#random.between(100, 600));
    this.#horizon.graceShare = 0;
    await this.#drain();
    this.#gate.open();
  }

  /** Waits until every event has its answer, and closes the gate. */
  async #drain(): Promise<void> {
    if (this.#options.late > 0) return;
    await within(drainMs, this.#gate.close(), "not every event was answered");
  }

  /** The virtual clock ticks, and a long run passes hours by itself. */
  async #followClock(): Promise<void> {
    const nowMs = await this.#steps.now();
    if (hourStart(nowMs) > this.#horizon.hourMs) await this.#leaveHour(hourStart(nowMs));
  }

  /** Kills the runtime somewhere in the middle of the step, and then carries the step to its end. */
  async #killWithin(phase: "seal" | "audit", step: () => Promise<void>): Promise<void> {
    const length = this.#lengths[phase];
    const startedMs = Date.now();
    const progress = { done: false };
    const first = step().then(
      () => {
        progress.done = true;
        length.finished(Date.now() - startedMs);
      },
      // Its failure is what the kill is for; the step is made again below.
      () => undefined,
    );
    await Promise.race([first, pause(this.#random.fraction() * length.ms)]);
    const cutOff = !progress.done;
    if (cutOff) length.cutOff();
    await this.#kill(phase, cutOff);
    await first;
    await again(step);
  }

  async #kill(phase: Phase, cutOff: boolean): Promise<void> {
    this.#kills++;
    this.#phases[phase].kills++;
    if (cutOff) this.#phases[phase].cutOff++;
    this.#options.onKill(this.#kills, phase);
    await this.#runtime.kill(this.#random.chance(0.5));
    await this.#runtime.start();
  }
}

function hourStart(atMs: EpochMs): EpochMs {
  return epochMs(Math.floor(atMs / hourMs) * hourMs);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function within<Value>(ms: number, work: Promise<Value>, otherwise: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${otherwise} within ${ms / 1_000} s`));
    }, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
