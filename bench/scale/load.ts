/** What is asked of a deployment: the load of the talk, and what it leaves open, each as a number that can be changed. */

export interface Load {
  /** Mean over a day. */
  readonly eventsPerSecond: number;
  readonly bytesPerEvent: number;
  readonly streams: number;
  readonly clients: number;
  /** The busiest hour over the mean one. */
  readonly peak: number;
  /** Streams by size: the n-th has a share that goes with n^-skew. */
  readonly skew: number;
  readonly eventsPerRequest: number;
  /** Streams among the events of one request: each costs a call of an object. */
  readonly streamsPerRequest: number;
  /** Isolates that share the requests; one reports to one ledger. */
  readonly isolates: number;
  /** How long sealed hours stay in R2. */
  readonly daysKept: number;
}

/** Maravić, QCon London 2017: 1.5M events/s and 60 TB a day are 463 bytes an event. Below the line: assumed. */
export const talk: Load = {
  eventsPerSecond: 1_500_000,
  bytesPerEvent: 60e12 / 86_400 / 1_500_000,
  streams: 250,
  clients: 100_000_000,
  // ── assumed
  peak: 1.5,
  skew: 1,
  eventsPerRequest: 20,
  streamsPerRequest: 3,
  isolates: 10_000,
  daysKept: 30,
};

/** Events a second of each stream in the busiest hour, the largest first. */
export function streamRates({ eventsPerSecond, peak, streams, skew }: Load): readonly number[] {
  const weights = Array.from({ length: streams }, (_, index) => (index + 1) ** -skew);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (eventsPerSecond * peak * weight) / whole);
}
