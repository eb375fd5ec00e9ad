/** One cell of the grid, outside of it: for legends, badges and lists. Drawn as the canvas draws it. */
import { useContext, useEffect, useRef } from "preact/hooks";
import type { BucketState } from "../../../domain/view/state.ts";
import { drawCell } from "../grid/draw-cell.ts";
import { type Palette, PaletteContext } from "../grid/palette.ts";

const size = 14;

export function StateCell({ state }: { readonly state: BucketState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const palette = useContext(PaletteContext);
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, state, palette);
  }, [state, palette]);
  return <canvas ref={canvas} class="cell" aria-hidden="true" />;
}

function paint(canvas: HTMLCanvasElement, state: BucketState, palette: Palette): void {
  const scale = devicePixelRatio;
  canvas.width = size * scale;
  canvas.height = size * scale;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(scale, scale);
  drawCell(context, state, palette, { x: 0.5, y: 0.5, width: size - 1, height: size - 1 });
}
