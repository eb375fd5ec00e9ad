/**
 * The grid itself: a canvas that stays in place while an empty sheet of the grid's size is scrolled beneath it, and the
 * names as links beside it. It is drawn at most once a frame, and only what is seen.
 *
 * For keyboards it is one stop, walked with the arrow keys. For screen readers it is an ARIA grid of the real size, of
 * which the row and the cell that one is at are in the document.
 */
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { GridLine } from "../../../domain/view/grid.ts";
import { stateAt } from "../../../domain/view/state.ts";
import { middleCut } from "../model/format.ts";
import { type Place, placeAfter, within } from "../model/grid.ts";
import { hourLabel, plusHours } from "../model/hours.ts";
import { stateSigns } from "../model/states.ts";
import { scrollToShow, spanOf } from "../model/window.ts";
import { hrefOf } from "../route.ts";
import { type Geometry, geometryFor } from "./geometry.ts";
import { type Palette } from "./palette.ts";
import { paint, stampsOf } from "./paint.ts";
import { useViewport } from "./use-viewport.ts";

/** Pixels beside a name, and of one of its characters in a wide font; what is still too long is cut at its end. */
const namePadding = 16;
const nameCharWidth = 8.2;

interface Given {
  readonly lines: readonly GridLine[];
  readonly from: string;
  readonly hours: number;
  readonly palette: Palette;
  readonly at: Place | null;
  readonly moveTo: (place: Place | null) => void;
}

export function GridView({ lines, from, hours, palette, at, moveTo }: Given) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewport = useViewport(scroller);
  const geometry = useMemo(
    () => geometryFor(viewport.width, viewport.coarse),
    [viewport.width, viewport.coarse],
  );
  const stamps = useMemo(
    () => stampsOf(geometry, palette, viewport.scale),
    [geometry, palette, viewport.scale],
  );
  const size = { rows: lines.length, columns: hours };
  const width = Math.max(0, viewport.width - geometry.nameWidth);
  const names = spanOf(
    viewport.top,
    viewport.height - geometry.headHeight,
    geometry.cellHeight,
    lines.length,
  );

  // The newest hour is at the right end, and that is where one starts.
  const started = useRef(false);
  useLayoutEffect(() => {
    const place = scroller.current;
    if (place === null || started.current || viewport.width === 0) return;
    started.current = true;
    place.scrollLeft = place.scrollWidth;
  }, [viewport.width]);

  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d") ?? null;
    if (canvas.current === null || context === null) return;
    fit(canvas.current, width, viewport.height, viewport.scale);
    context.setTransform(viewport.scale, 0, 0, viewport.scale, 0, 0);
    const { left: scrollX, top: scrollY, height } = viewport;
    paint(context, { lines, from, hours, geometry, palette, scrollX, scrollY, width, height, at, stamps });
  }, [lines, from, hours, geometry, palette, stamps, viewport, at, width]);

  useEffect(() => {
    if (at !== null && scroller.current !== null) show(scroller.current, at, geometry);
  }, [at, geometry]);

  const walk = (event: KeyboardEvent): void => {
    const here = within(at ?? { row: 0, column: hours - 1 }, size);
    if (event.key === "Enter") {
      location.hash = hrefAt(lines, from, here) ?? location.hash;
      return;
    }
    const page = Math.max(1, names.end - names.first - 1);
    const next = placeAfter(event.key, event.ctrlKey || event.metaKey, here, size, page);
    if (next === null) return;
    event.preventDefault();
    moveTo(next);
  };

  const over = (event: MouseEvent): Place | null => {
    const box = canvas.current?.getBoundingClientRect();
    if (box === undefined) return null;
    const y = event.clientY - box.top - geometry.headHeight;
    const column = Math.floor((event.clientX - box.left + viewport.left) / geometry.cellWidth);
    const row = Math.floor((y + viewport.top) / geometry.cellHeight);
    return y >= 0 && row >= 0 && row < lines.length && column >= 0 && column < hours ? { row, column } : null;
  };

  return (
    <div
      ref={scroller}
      class="grid-scroll"
      role="grid"
      tabIndex={0}
      aria-label="Buckets: a row for each stream, a column for each hour, the newest hour last"
      aria-rowcount={lines.length}
      aria-colcount={hours + 1}
      {...(at === null ? {} : { "aria-activedescendant": "grid-here" })}
      onKeyDown={walk}
      onFocus={() => {
        if (at === null && lines.length > 0) moveTo({ row: names.first, column: hours - 1 });
      }}
    >
      <div
        class="grid-sheet"
        role="presentation"
        style={{
          width: `${geometry.nameWidth + hours * geometry.cellWidth}px`,
          height: `${geometry.headHeight + lines.length * geometry.cellHeight}px`,
        }}
      >
        <div class="grid-window" role="presentation">
          <div class="grid-names" role="presentation" style={{ width: `${geometry.nameWidth}px` }}>
            {lines.slice(names.first, names.end).map((line, index) => {
              const row = names.first + index;
              return (
                <a
                  key={line.type}
                  class={`grid-name${at?.row === row ? " is-here" : ""}`}
                  href={hrefOf({ page: "stream", type: line.type })}
                  tabIndex={-1}
                  aria-hidden="true"
                  title={line.owner === "" ? line.type : `${line.type} · ${line.owner}`}
                  style={{
                    top: `${geometry.headHeight + row * geometry.cellHeight - viewport.top}px`,
                    height: `${geometry.cellHeight}px`,
                    lineHeight: `${geometry.cellHeight}px`,
                  }}
                >
                  {middleCut(line.type, Math.floor((geometry.nameWidth - namePadding) / nameCharWidth))}
                </a>
              );
            })}
            <span class="grid-corner" style={{ height: `${geometry.headHeight}px` }} aria-hidden="true">
              UTC
            </span>
          </div>
          <canvas
            ref={canvas}
            class="grid-canvas"
            aria-hidden="true"
            style={{ left: `${geometry.nameWidth}px` }}
            onMouseMove={(event) => {
              const place = over(event);
              if (place !== null && (place.row !== at?.row || place.column !== at.column)) moveTo(place);
            }}
            onClick={(event) => {
              const place = over(event);
              const href = place === null ? null : hrefAt(lines, from, place);
              if (href !== null) location.hash = href;
            }}
          />
          <Here lines={lines} from={from} at={at} />
        </div>
      </div>
    </div>
  );
}

/** Where one is, as a screen reader finds it. */
function Here({ lines, from, at }: Pick<Given, "lines" | "from" | "at">) {
  const line = at === null ? undefined : lines[at.row];
  if (at === null || line === undefined) {
    return (
      <div role="row" class="sr">
        <span role="gridcell">No cell is chosen</span>
      </div>
    );
  }
  const { label } = stateSigns[stateAt(line.states, at.column)];
  return (
    <div role="row" class="sr" aria-rowindex={at.row + 1}>
      {at.column < 0 ? (
        <span role="rowheader" id="grid-here" aria-colindex={1}>
          {line.type}
        </span>
      ) : (
        <span role="gridcell" id="grid-here" aria-colindex={at.column + 2}>
          {line.type}, {hourLabel(plusHours(from, at.column))} UTC: {label}
        </span>
      )}
    </div>
  );
}

export function hrefAt(lines: readonly GridLine[], from: string, { row, column }: Place): string | null {
  const line = lines[row];
  if (line === undefined) return null;
  if (column < 0) return hrefOf({ page: "stream", type: line.type });
  return stateAt(line.states, column) === "none"
    ? null
    : hrefOf({ page: "bucket", type: line.type, hour: plusHours(from, column) });
}

function fit(canvas: HTMLCanvasElement, width: number, height: number, scale: number): void {
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}

function show(scroller: HTMLDivElement, at: Place, geometry: Geometry): void {
  const { cellWidth, cellHeight, nameWidth, headHeight } = geometry;
  const top = scrollToShow(scroller.scrollTop, scroller.clientHeight - headHeight, cellHeight, at.row);
  const width = scroller.clientWidth - nameWidth;
  const left =
    at.column < 0 ? scroller.scrollLeft : scrollToShow(scroller.scrollLeft, width, cellWidth, at.column);
  if (top !== scroller.scrollTop || left !== scroller.scrollLeft) scroller.scrollTo(left, top);
}
