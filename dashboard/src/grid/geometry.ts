/** Sizes of the grid in CSS pixels: smaller for a mouse, larger for a finger. */
export interface Geometry {
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly headHeight: number;
  readonly nameWidth: number;
}

export function geometryFor(width: number, coarse: boolean): Geometry {
  return {
    cellWidth: coarse ? 26 : 15,
    cellHeight: coarse ? 28 : 19,
    headHeight: 34,
    nameWidth: Math.round(Math.min(260, Math.max(116, width * 0.3))),
  };
}
