/** What charts share: where an axis ends, and where its lines are. */

/** A round number that is at least `value`, and half of it is one, too; 2 for nothing. */
export function niceMax(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 4, 6, 8, 10]) if (step * power >= value) return step * power;
  return 10 * power;
}

/** Spans, too, end where a reader expects it: at a round number of seconds, minutes or hours. */
export function niceSpanMs(ms: number): number {
  const steps = [
    1_000, 5_000, 15_000, 60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
    43_200_000, 86_400_000,
  ];
  const days = Math.ceil(ms / 86_400_000) * 86_400_000;
  return steps.find((step) => step >= ms) ?? days;
}

/** The line through the points, in SVG's path language; a null breaks it. A point alone is a dot, if its ends are round. */
export function linePath(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    if (pen === "M" && (values[index + 1] ?? null) === null) path += "h0";
    pen = "L";
  });
  return path;
}

/** Each value as a step from its `x` to the next one's; a null breaks it. */
export function stepPath(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const pen = (values[index - 1] ?? null) === null ? "M" : "L";
    path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}H${x(index + 1).toFixed(1)}`;
  });
  return path;
}
