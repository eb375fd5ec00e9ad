/** What is sent: how many events a request, how many requests at a time, and what is unusual about them. */

export interface Workload {
  readonly name: string;
  readonly eventsPerRequest: number;
  /** Requests under way at a time, each on a connection of its own. */
  readonly concurrency: number;
  /** Types among which the events of each request are spread. */
  readonly streams: number;
  /** How many events in a hundred repeat an identity that was sent before. */
  readonly duplicatePercent: 0 | 10 | 100;
  readonly gzip: boolean;
  /** Null: the next request follows each answer, which shows the most that is possible. */
  readonly requestsPerSecond: number | null;
}

const plain = { streams: 1, duplicatePercent: 0, gzip: false, requestsPerSecond: null } as const;

function workload(
  eventsPerRequest: number,
  concurrency: number,
  suffix = "",
  unusual: Partial<Workload> = {},
): Workload {
  const name = `${eventsPerRequest}x${concurrency}${suffix}`;
  return { ...plain, name, eventsPerRequest, concurrency, ...unusual };
}

const grid = [1, 20, 500].flatMap((events) =>
  [1, 16, 64].map((concurrency) => workload(events, concurrency)),
);

/** Each is one step away from 20x64, the load that the targets are about. */
const variants = [
  workload(20, 64, "-streams30", { streams: 30 }),
  workload(20, 64, "-dup10", { duplicatePercent: 10 }),
  workload(20, 64, "-dup100", { duplicatePercent: 100 }),
  workload(20, 64, "-gzip", { gzip: true }),
  workload(20, 16, "-rate100", { requestsPerSecond: 100 }),
];

export const workloads: readonly Workload[] = [...grid, ...variants];

// ── Which event is in which request ────────────────────────────────────────────────────────────────────────

/** Clients that take turns; each is the source of all events of its requests. */
export const sources = 16;

/** Requests that are repeated again and again where everything is a duplicate. */
const poolRequests = 64;

/** How many requests back a repeated event lies: the same client's, and long answered. */
const backRequests = 10 * sources;

/** The number of the event at `at` in a request; an identity that is repeated has the number that it had before. */
export function eventNumber(
  { eventsPerRequest, duplicatePercent }: Workload,
  request: number,
  at: number,
): number {
  if (duplicatePercent === 100) return (request % poolRequests) * eventsPerRequest + at;
  const number = request * eventsPerRequest + at;
  const repeats = duplicatePercent === 10 && request >= backRequests && at % 10 === 0;
  // The neighbour of the one that would be a repetition itself.
  return repeats ? number - backRequests * eventsPerRequest + 1 : number;
}
