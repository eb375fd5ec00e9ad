/** One cell on a canvas: a colour, and a mark that says the same without it. */
import type { BucketState } from "../../../domain/view/state.ts";
import { type Mark, stateSigns } from "../model/states.ts";
import type { Palette } from "./palette.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function drawCell(
  context: CanvasRenderingContext2D,
  state: BucketState,
  palette: Palette,
  box: Box,
): void {
  const { mark } = stateSigns[state];
  const { fill, mark: ink } = palette.states[state];
  if (state === "none") {
    context.fillStyle = fill;
    context.fillRect(box.x + box.width / 2 - 0.5, box.y + box.height / 2 - 0.5, 1, 1);
    return;
  }
  if (mark === "frame" || mark === "half") {
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
    context.fillStyle = fill;
    if (mark === "half") context.fillRect(box.x, box.y + box.height / 2, box.width, box.height / 2);
    return;
  }
  context.fillStyle = fill;
  context.fillRect(box.x, box.y, box.width, box.height);
  drawMark(context, mark, ink, box);
}

function drawMark(context: CanvasRenderingContext2D, mark: Mark, ink: string, box: Box): void {
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  const arm = Math.max(2.5, Math.min(box.width, box.height) * 0.26);
  context.strokeStyle = ink;
  context.fillStyle = ink;
  context.lineWidth = Math.max(1.6, arm * 0.45);
  context.beginPath();
  switch (mark) {
    case "nothing":
    case "frame":
    case "half":
      return;
    case "ring":
      context.lineWidth = 1.3;
      context.arc(x, y, arm * 0.8, 0, 2 * Math.PI);
      break;
    case "dot":
      context.arc(x, y, arm * 0.6, 0, 2 * Math.PI);
      context.fill();
      return;
    case "minus":
      context.moveTo(x - arm, y);
      context.lineTo(x + arm, y);
      break;
    case "plus":
      context.moveTo(x - arm, y);
      context.lineTo(x + arm, y);
      context.moveTo(x, y - arm);
      context.lineTo(x, y + arm);
      break;
    case "cross":
      context.moveTo(x - arm, y - arm);
      context.lineTo(x + arm, y + arm);
      context.moveTo(x + arm, y - arm);
      context.lineTo(x - arm, y + arm);
      break;
    case "slash":
      context.moveTo(x - arm, y + arm);
      context.lineTo(x + arm, y - arm);
      break;
    case "bang":
      context.moveTo(x, y - arm * 1.2);
      context.lineTo(x, y + arm * 0.35);
      context.moveTo(x, y + arm * 0.8);
      context.lineTo(x, y + arm * 1.3);
      break;
    case "question":
      context.font = `bold ${Math.round(arm * 3.4)}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText("?", x, y + 0.5);
      return;
  }
  context.stroke();
}
