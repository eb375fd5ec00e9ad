/** The simulated week as an SVG: shards planned against shards needed, and what spilled. Equal input gives equal bytes. */
import { type SimulatedHour } from "./run.ts";
import { incidents } from "./world.ts";

const width = 960;
const left = 44;
const right = 12;
const top = 34;
const chart = 260;
const gap = 34;
const spillChart = 60;
const bottom = 28;
const height = top + chart + gap + spillChart + bottom;

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x}" y="${y}"${more}>${content}</text>`;
}

export function plot(hours: readonly SimulatedHour[]): string {
  const shardsTop = Math.ceil(Math.max(...hours.flatMap(({ used, needed }) => [used, needed])) / 10) * 10;
  const spills = hours.map(({ played }) => (100 * played.spilledRows) / Math.max(1, played.rows));
  const spillTop = Math.max(1, Math.ceil(Math.max(...spills)));
  const x = (hour: number): number =>
    Math.round((left + (hour * (width - left - right)) / hours.length) * 10) / 10;
  const y = (shards: number): number => Math.round((top + chart - (shards / shardsTop) * chart) * 10) / 10;
  const floor = top + chart + gap + spillChart;
  const steps = (of: (hour: SimulatedHour) => number): string =>
    hours
      .map((hour, at) => `${at === 0 ? "M" : "V"}${at === 0 ? `${x(0)},` : ""}${y(of(hour))}H${x(at + 1)}`)
      .join("");
  const levels = Array.from({ length: 5 }, (_, level) => Math.round((shardsTop * level) / 4));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="#333">
<title>Shards planned against shards needed in a simulated week</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${incidents
  .map(({ name, from, until }, no) =>
    [
      `<rect x="${x(from)}" y="${top}" width="${Math.max(2, x(until) - x(from)).toFixed(1)}" height="${chart}" fill="#f3e6c8"/>`,
      text(x(from), top - 6 - (no % 2) * 12, name),
    ].join("\n"),
  )
  .join("\n")}
${levels
  .map(
    (level) =>
      `<path d="M${left},${y(level)}H${width - right}" stroke="#ddd"/>\n${text(left - 6, y(level) + 4, String(level), ' text-anchor="end"')}`,
  )
  .join("\n")}
<path d="${steps(({ needed }) => needed)}V${y(0)}H${x(0)}Z" fill="#9db8d2"/>
<path d="${steps(({ used }) => used)}" fill="none" stroke="#1c3f60" stroke-width="1.6"/>
<rect x="${left + 8}" y="${top + 8}" width="12" height="8" fill="#9db8d2"/>
${text(left + 26, top + 16, "shards needed")}
<path d="M${left + 118},${top + 12}h14" stroke="#1c3f60" stroke-width="1.6"/>
${text(left + 138, top + 16, "shards planned")}
${text(left, top + chart + gap - 10, `spilled, % of the hour's rows (up to ${spillTop} %)`)}
<path d="M${left},${floor}H${width - right}" stroke="#999"/>
${spills
  .flatMap((spill, at) =>
    spill > 0
      ? [
          `<rect x="${x(at)}" y="${(floor - (spill / spillTop) * spillChart).toFixed(1)}" width="${(x(at + 1) - x(at)).toFixed(1)}" height="${((spill / spillTop) * spillChart).toFixed(1)}" fill="#b4452c"/>`,
        ]
      : [],
  )
  .join("\n")}
${days.map((day, no) => text(x(24 * no), floor + 18, day)).join("\n")}
</svg>
`;
}
