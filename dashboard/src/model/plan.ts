/** What a stream's plan comes to, in words. */

/** Hours whose busiest shard says that more shards were needed than there were. */
export function hoursOver(planned: readonly (number | null)[], needed: readonly (number | null)[]): number {
  return needed.filter((value, index) => value !== null && value > (planned[index] ?? Infinity)).length;
}

/** `2 shards now, 3 from 2026-11-23 12:00 on.` */
export function aheadText(
  ahead: readonly { readonly hour: string; readonly shards: number }[],
  label: (hour: string) => string,
): string {
  const changes = ahead.filter(({ shards }, index) => shards !== ahead[index - 1]?.shards);
  const [first, ...later] = changes;
  if (first === undefined) return "";
  const now = `${first.shards} shard${first.shards === 1 ? "" : "s"} now`;
  return `${[now, ...later.map(({ hour, shards }) => `${shards} from ${label(hour)} on`)].join(", ")}.`;
}
