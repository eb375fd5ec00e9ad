/** What is posted in which hour: streams of Zipf's law, a day's pattern, and a launch that lasts three hours. */

export interface Week {
  readonly streams: readonly WeekStream[];
  readonly hours: number;
}

export interface WeekStream {
  readonly type: string;
  readonly shards: number;
  /** Events of each hour. */
  readonly events: readonly number[];
}

const skew = 1.1;
/** By the busiest stream, in its third day, as many times what it has in an hour on average. */
const launch = { fromHour: 60, hours: 3, times: 40 };
/** Streams that have more than this on average get two shards, and the busiest one four. */
const eventsPerShard = 2_000;

export function weekOf({
  events,
  streams,
  hours,
}: {
  readonly events: number;
  readonly streams: number;
  readonly hours: number;
}): Week {
  const shapes = Array.from({ length: streams }, (_, rank) =>
    Array.from({ length: hours }, (__, hour) => shareOf(rank, hour)),
  );
  const unit = events / sumOf(shapes.map(sumOf));
  return {
    hours,
    streams: shapes.map((shape, rank) => ({
      type: `week.stream-${String(rank).padStart(2, "0")}`,
      shards: rank === 0 ? 4 : unit * weightOf(rank) > eventsPerShard ? 2 : 1,
      events: shape.map((share) => Math.max(1, Math.round(unit * share))),
    })),
  };
}

function weightOf(rank: number): number {
  return 1 / (rank + 1) ** skew;
}

function shareOf(rank: number, hour: number): number {
  const launching = rank === 0 && hour >= launch.fromHour && hour < launch.fromHour + launch.hours;
  return weightOf(rank) * (launching ? launch.times : 1 + 0.7 * Math.sin((2 * Math.PI * hour) / 24));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
