/** Metrics as text, in the form of OpenMetrics 1.0: families of samples, and `# EOF` at the end. */

export interface Sample {
  /** After the family's name: `_total`, `_bucket`, `_count`, `_sum`, or nothing. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  /** Without `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

export function exposition(families: readonly Family[]): string {
  const lines = families.flatMap(({ name, type, help, samples }) => [
    `# TYPE ${name} ${type}`,
    ...(name.endsWith("_seconds") ? [`# UNIT ${name} seconds`] : []),
    `# HELP ${name} ${escaped(help)}`,
    ...samples.map(({ suffix = "", labels = {}, value }) => `${name}${suffix}${labelsText(labels)} ${value}`),
  ]);
  return [...lines, "# EOF", ""].join("\n");
}

/** A label without a value is as good as none, and is left out. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== "");
  return pairs.length === 0
    ? ""
    : `{${pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
