/** Draws what the window shows of the grid: the hours above, the cells below, and nothing else. */
import type { GridLine } from "../../../domain/view/grid.ts";
import { type BucketState, bucketStates, stateAt } from "../../../domain/view/state.ts";
import type { Place } from "../model/grid.ts";
import { dayLabel, plusHours } from "../model/hours.ts";
import { spanOf } from "../model/window.ts";
import { drawCell } from "./draw-cell.ts";
import type { Geometry } from "./geometry.ts";
import type { Palette } from "./palette.ts";

export interface Scene {
  readonly lines: readonly GridLine[];
  readonly from: string;
  readonly hours: number;
  readonly geometry: Geometry;
  readonly palette: Palette;
  readonly scrollX: number;
  readonly scrollY: number;
  /** Of the canvas: the head and the cells, without the names. */
  readonly width: number;
  readonly height: number;
  readonly at: Place | null;
  readonly stamps: Stamps;
}

/** Every state drawn once; a cell is a copy of its stamp. */
export type Stamps = ReadonlyMap<BucketState, HTMLCanvasElement>;

const gap = 1;

export function stampsOf(geometry: Geometry, palette: Palette, scale: number): Stamps {
  return new Map(
    bucketStates.map((state) => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(geometry.cellWidth * scale);
      canvas.height = Math.round(geometry.cellHeight * scale);
      const context = canvas.getContext("2d");
      if (context !== null) {
        context.scale(scale, scale);
        drawCell(context, state, palette, {
          x: gap,
          y: gap,
          width: geometry.cellWidth - 2 * gap,
          height: geometry.cellHeight - 2 * gap,
        });
      }
      return [state, canvas];
    }),
  );
}

export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { geometry, palette, width, height, scrollX, scrollY, lines, hours } = scene;
  const { cellWidth, cellHeight, headHeight } = geometry;
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  const columns = spanOf(scrollX, width, cellWidth, hours);
  const rows = spanOf(scrollY, height - headHeight, cellHeight, lines.length);
  context.save();
  context.beginPath();
  context.rect(0, headHeight, width, height - headHeight);
  context.clip();
  for (let row = rows.first; row < rows.end; row++) {
    const states = lines[row]?.states ?? "";
    const y = headHeight + row * cellHeight - scrollY;
    for (let column = columns.first; column < columns.end; column++) {
      const stamp = scene.stamps.get(stateAt(states, column));
      const x = column * cellWidth - scrollX;
      if (stamp !== undefined) context.drawImage(stamp, x, y, cellWidth, cellHeight);
    }
  }
  paintPlace(context, scene);
  context.restore();
  paintHead(context, scene, columns);
}

function paintPlace(context: CanvasRenderingContext2D, scene: Scene): void {
  const { at, geometry, palette } = scene;
  if (at === null || at.column < 0) return;
  const x = at.column * geometry.cellWidth - scene.scrollX;
  const y = geometry.headHeight + at.row * geometry.cellHeight - scene.scrollY;
  context.strokeStyle = palette.focus;
  context.lineWidth = 2;
  context.strokeRect(x, y, geometry.cellWidth, geometry.cellHeight);
}

/** Days above, every sixth hour below, and a line where a day begins. */
function paintHead(
  context: CanvasRenderingContext2D,
  scene: Scene,
  columns: { readonly first: number; readonly end: number },
): void {
  const { geometry, palette, from, scrollX, height } = scene;
  const { cellWidth } = geometry;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const every = cellWidth >= 24 ? 3 : 6;
  // A day's label starts at its midnight, which may lie before the window.
  for (let column = Math.max(0, columns.first - 23); column < columns.end; column++) {
    const hour = plusHours(from, column);
    const clock = Number(hour.slice(11));
    const x = column * cellWidth - scrollX;
    if (clock === 0) {
      context.fillStyle = palette.line;
      context.fillRect(Math.round(x), 0, 1, height);
    }
    if (clock === 0 || column === 0) {
      const left = Math.max(2, x + 4);
      const room = x + (24 - clock) * cellWidth - left;
      context.font = "600 12px system-ui, sans-serif";
      context.fillStyle = palette.text;
      if (context.measureText(dayLabel(hour)).width < room) context.fillText(dayLabel(hour), left, 10);
    }
    if (clock % every === 0) {
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = palette.faint;
      context.fillText(hour.slice(11), x + 2, 25);
    }
  }
}
