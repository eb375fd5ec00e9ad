/**
 * How bad a run is: how probable each fault. Drawn anew for each seed, and many of them zero, so that some runs meet one
 * kind of trouble over and over and others all of them at once.
 */
import type { Random } from "./random.ts";

export interface FaultRates {
  readonly requestLost: number;
  readonly replyLost: number;
  readonly duplicated: number;
  readonly slow: number;
  readonly overloaded: number;
  /** An R2 call fails before its effect. */
  readonly objectFails: number;
  /** It fails after its effect. */
  readonly objectReplyLost: number;
  /** The key of a part turns out to be taken. */
  readonly objectPlanted: number;
  /** An object ends within moments of a call, of itself or to the outside. */
  readonly crash: number;
  readonly edgeCrash: number;
  /** A transaction cannot be written. */
  readonly writeFails: number;
  readonly alarmLost: number;
  /** A call of D1 fails before its effect. */
  readonly catalogFails: number;
  /** It fails after its effect. */
  readonly catalogReplyLost: number;
  /** A run of the cron ends within moments of a call. */
  readonly flusherCrash: number;
}

export const noFaults: FaultRates = {
  requestLost: 0,
  replyLost: 0,
  duplicated: 0,
  slow: 0,
  overloaded: 0,
  objectFails: 0,
  objectReplyLost: 0,
  objectPlanted: 0,
  crash: 0,
  edgeCrash: 0,
  writeFails: 0,
  alarmLost: 0,
  catalogFails: 0,
  catalogReplyLost: 0,
  flusherCrash: 0,
};

export function drawFaults(random: Random): FaultRates {
  const rate = (...rates: number[]): number => random.pick(rates);
  return {
    requestLost: rate(0, 0.01, 0.05, 0.15),
    replyLost: rate(0, 0.01, 0.05, 0.15),
    duplicated: rate(0, 0.02, 0.1),
    slow: rate(0, 0.02, 0.1),
    overloaded: rate(0, 0, 0.05),
    objectFails: rate(0, 0.05, 0.2),
    objectReplyLost: rate(0, 0.05, 0.3),
    objectPlanted: rate(0, 0, 0, 0.1),
    crash: rate(0, 0.01, 0.03, 0.08),
    edgeCrash: rate(0, 0.05, 0.2),
    writeFails: rate(0, 0, 0.02),
    alarmLost: rate(0, 0, 0.3, 0.8),
    catalogFails: rate(0, 0.02, 0.2),
    catalogReplyLost: rate(0, 0.02, 0.2),
    flusherCrash: rate(0, 0, 0.01, 0.05),
  };
}
