/** The series as an SVG, one beside the other, both axes logarithmic. Equal input gives equal bytes. */
import type { Series } from "./measure.ts";

const panel = { width: 300, height: 220, left: 62, right: 14, top: 40, bottom: 40 };

export function growthPlot(series: readonly Series[]): string {
  const width = panel.width * series.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${panel.height}" font-family="system-ui, sans-serif" font-size="11" fill="#333">
<title>What it costs as streams, shards and history grow</title>
<rect width="${width}" height="${panel.height}" fill="#fff"/>
${series.map((one, at) => `<g transform="translate(${at * panel.width} 0)">\n${panelOf(one)}\n</g>`).join("\n")}
</svg>
`;
}

function panelOf({ name, grows, unit, points }: Series): string {
  const decades = points.map(({ usd }) => Math.log10(usd));
  const low = Math.floor(Math.min(...decades));
  const high = Math.max(low + 1, Math.ceil(Math.max(...decades)));
  const sizes = points.map(({ size }) => Math.log10(size));
  const span = Math.max(1e-9, Math.max(...sizes) - Math.min(...sizes));
  const right = panel.width - panel.right;
  const floor = panel.height - panel.bottom;
  const x = (size: number): number =>
    round(panel.left + ((Math.log10(size) - Math.min(...sizes)) / span) * (right - panel.left - 12) + 6);
  const y = (usd: number): number =>
    round(floor - ((Math.log10(usd) - low) / (high - low)) * (floor - panel.top));
  const levels = Array.from({ length: high - low + 1 }, (_, at) => low + at);
  return [
    `<text x="${panel.left}" y="16" font-weight="600">${name}</text>`,
    `<text x="${panel.left}" y="30" fill="#666">${unit}</text>`,
    ...levels.map((level) => {
      const at = y(10 ** level);
      return `<path d="M${panel.left},${at}H${right}" stroke="#ddd"/><text x="${panel.left - 6}" y="${at + 4}" text-anchor="end">${10 ** level}</text>`;
    }),
    ...points.map(({ size }) => `<text x="${x(size)}" y="${floor + 16}" text-anchor="middle">${size}</text>`),
    `<text x="${(panel.left + right) / 2}" y="${floor + 32}" text-anchor="middle" fill="#666">${grows}</text>`,
    `<path d="${points.map(({ size, usd }, at) => `${at === 0 ? "M" : "L"}${x(size)},${y(usd)}`).join("")}" fill="none" stroke="#0b6e99" stroke-width="2"/>`,
    ...points.map(({ size, usd }) => `<circle cx="${x(size)}" cy="${y(usd)}" r="3" fill="#0b6e99"/>`),
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
