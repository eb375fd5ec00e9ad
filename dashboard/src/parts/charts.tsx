/** Small charts over hours: bars for what is counted, lines for what is measured. Drawn as SVG, described in words. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { linePath, stepPath } from "../model/chart.ts";
import { dayLabel, hourLabel, plusHours } from "../model/hours.ts";
import { useNarrow } from "./use-narrow.ts";

/** In units of the drawing, which are near to pixels: so that its letters are as large as others. */
interface Box {
  readonly width: number;
  readonly left: number;
  /** Days that are named at most. */
  readonly daysNamed: number;
}

const wide: Box = { width: 560, left: 78, daysNamed: 8 };
const narrow: Box = { width: 370, left: 72, daysNamed: 4 };
const height = 150;
const bottom = 20;
const top = 8;
const dayWidth = 50;

function useBox(): Box {
  return useNarrow() ? narrow : wide;
}

interface Frame {
  readonly title: string;
  /** The chart in a sentence, for who does not see it. */
  readonly summary: string;
  readonly from: string;
  readonly hours: number;
  readonly max: number;
  readonly tick: (value: number) => string;
}

interface Layer {
  readonly name: string;
  readonly style: string;
  readonly values: readonly (number | null)[];
}

export interface Bars extends Frame {
  readonly layers: readonly Layer[];
  /** A line of steps before the bars: what they are measured by. */
  readonly steps?: Layer;
}

export interface Lines extends Frame {
  readonly layers: readonly Layer[];
  readonly limit: { readonly name: string; readonly value: number } | null;
}

/** Layers stand on each other, the first one below. */
export function BarChart(given: Bars) {
  const box = useBox();
  const { width, left } = box;
  const slot = (width - left) / given.hours;
  const below = (layer: number, index: number): number =>
    given.layers.slice(0, layer).reduce((sum, { values }) => sum + (values[index] ?? 0), 0);
  const { steps } = given;
  const layers = steps === undefined ? given.layers : [...given.layers, steps];
  return (
    <Axes {...given} box={box} layers={layers} names={layers}>
      {given.layers.map(({ name, style, values }, layer) =>
        values.map((value, index) =>
          value === null || value === 0 ? null : (
            <rect
              key={`${name} ${index}`}
              class={style}
              x={left + index * slot}
              y={yOf(below(layer, index) + value, given.max)}
              width={Math.max(1, slot - (slot > 3 ? 1 : 0))}
              height={Math.max(1.5, height - bottom - yOf(value, given.max))}
            >
              <title>
                {hourLabel(plusHours(given.from, index))}: {name} {given.tick(value)}
              </title>
            </rect>
          ),
        ),
      )}
      {steps !== undefined && (
        <path
          class={steps.style}
          d={stepPath(
            steps.values,
            (index) => left + index * slot,
            (value) => yOf(value, given.max),
          )}
        />
      )}
    </Axes>
  );
}

export function LineChart(given: Lines) {
  const box = useBox();
  const { width, left } = box;
  const slot = (width - left) / given.hours;
  const { limit, max } = given;
  return (
    <Axes
      {...given}
      box={box}
      names={limit === null ? given.layers : [...given.layers, { name: limit.name, style: "line-limit" }]}
    >
      {limit !== null && (
        <path class="line-limit" d={`M${left} ${yOf(limit.value, max)}L${width} ${yOf(limit.value, max)}`} />
      )}
      {given.layers.map(({ name, style, values }) => (
        <path
          key={name}
          class={style}
          d={linePath(
            values,
            (index) => left + (index + 0.5) * slot,
            (value) => yOf(value, max),
          )}
        />
      ))}
    </Axes>
  );
}

/** A day's name, right of its line. */
function fits(x: number, width: number): boolean {
  return x < width - dayWidth;
}

/** Right of its line; at the right end, left of it. */
function besideLine(
  x: number,
  width: number,
): { readonly x: number; readonly "text-anchor": "start" | "end" } {
  return fits(x, width) ? { x: x + 3, "text-anchor": "start" } : { x: x - 3, "text-anchor": "end" };
}

function yOf(value: number, max: number): number {
  return height - bottom - (Math.min(value, max) / max) * (height - bottom - top);
}

interface AxesGiven extends Frame {
  readonly box: Box;
  readonly layers: readonly Layer[];
  readonly names: readonly { readonly name: string; readonly style: string }[];
  readonly children: ComponentChildren;
}

function Axes({ title, summary, from, hours, max, tick, box, layers, names, children }: AxesGiven) {
  const { width, left, daysNamed } = box;
  const slot = (width - left) / hours;
  const midnights = Array.from({ length: hours }, (_, index) => index).filter((index) =>
    plusHours(from, index).endsWith("T00"),
  );
  const every = Math.ceil(midnights.length / daysNamed);
  return (
    <figure class="chart">
      <figcaption>
        {title}
        {names.length > 1 && (
          <span class="chart-names">
            {names.map(({ name, style }) => (
              <span key={name}>
                <svg class="chart-key" viewBox="0 0 16 8" aria-hidden="true">
                  {style.startsWith("line") ? (
                    <path class={style} d="M0 4L16 4" />
                  ) : (
                    <rect class={style} width="16" height="8" />
                  )}
                </svg>
                {name}
              </span>
            ))}
          </span>
        )}
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${title}. ${summary}`}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <path class="rule" d={`M${left} ${yOf(max * share, max)}L${width} ${yOf(max * share, max)}`} />
            <text class="tick" x={left - 6} y={yOf(max * share, max) + 4} text-anchor="end">
              {share === 0 ? "0" : tick(max * share)}
            </text>
          </g>
        ))}
        {midnights.map((index, place) => (
          <g key={index}>
            <path
              class="rule"
              d={`M${left + index * slot} ${top}L${left + index * slot} ${height - bottom}`}
            />
            {place % every === 0 && (fits(left + index * slot, width) || every > 1) && (
              <text class="tick" {...besideLine(left + index * slot, width)} y={height - 6}>
                {dayLabel(plusHours(from, index))}
              </text>
            )}
          </g>
        ))}
        {children}
      </svg>
      <AsTable title={title} from={from} tick={tick} layers={layers} />
    </figure>
  );
}

type TableGiven = Pick<AxesGiven, "title" | "from" | "tick" | "layers">;

/** The same as a table, newest hour first, for who would rather read it. It is made when it is opened. */
function AsTable({ title, from, tick, layers }: TableGiven) {
  const [open, setOpen] = useState(false);
  return (
    <details
      class="as-table"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>As a table</summary>
      {open && (
        <div class="table" role="region" aria-label={`${title}, as a table`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">hour</th>
                {layers.map(({ name }) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {hoursWithAny(layers).map((index) => (
                <tr key={index}>
                  <th scope="row">{hourLabel(plusHours(from, index))}</th>
                  {layers.map(({ name, values }) => {
                    const value = values[index] ?? null;
                    return (
                      <td key={name} class="number">
                        {value === null ? "–" : tick(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function hoursWithAny(layers: readonly Layer[]): number[] {
  const hours = layers[0]?.values.length ?? 0;
  return Array.from({ length: hours }, (_, index) => hours - 1 - index).filter((index) =>
    layers.some(({ values }) => (values[index] ?? null) !== null),
  );
}
