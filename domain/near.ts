/** Names that somebody may have meant: for the answer to one that does not exist. */

/** Candidates looked at: more would make a typo expensive. */
const candidatesMax = 5_000;

/** Edits between two names that still count as a slip: one in four characters, at most four. */
function editsMax(name: string): number {
  return Math.min(4, Math.max(1, Math.floor(name.length / 4)));
}

/** The candidates nearest to `name`, nearest first: slips of the finger, other case, or one beginning with the other. */
export function nearMatches(name: string, candidates: Iterable<string>, limit: number): string[] {
  const wanted = name.toLowerCase();
  const near: { candidate: string; distance: number }[] = [];
  let looked = 0;
  for (const candidate of candidates) {
    if (++looked > candidatesMax) break;
    const other = candidate.toLowerCase();
    const begins = other.startsWith(wanted) || wanted.startsWith(other);
    const distance = begins ? 1 : edits(wanted, other, editsMax(wanted));
    if (distance !== null) near.push({ candidate, distance });
  }
  return near
    .toSorted((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance of two texts, or null as soon as it is over `max`. */
function edits(a: string, b: string, max: number): number | null {
  if (Math.abs(a.length - b.length) > max) return null;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    if (Math.min(...row) > max) return null;
    previous = row;
  }
  const distance = previous[b.length] ?? 0;
  return distance <= max ? distance : null;
}
