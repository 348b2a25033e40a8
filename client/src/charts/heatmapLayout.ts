/** Where cells and labels stand, in pixels. */
export interface HeatmapLayout {
  readonly cell: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Column labels stand upright: they are wider than their column. */
  readonly upright: boolean;
  /** Every how many rows and columns there is room for a label. */
  readonly stride: number;
}

/** About the width of a letter of the labels. */
const letter = 6.2;
const widestLabel = 128;
/** A cell has to be hit by a pointer, and a small matrix needs no page. */
const leastCell = 9;
const greatestCell = 52;

/** Lays a matrix out in `room` pixels; where cells would become too small to hit, it becomes wider than that. */
export function layOutHeatmap(rows: readonly string[], columns: readonly string[], room: number): HeatmapLayout {
  const longest = (labels: readonly string[]) =>
    labels.reduce((most, { length }) => Math.max(most, length * letter), 0);
  const left = Math.min(longest(rows), widestLabel, room / 3) + 10;
  const cell = Math.max(leastCell, Math.min(greatestCell, Math.floor((room - left) / Math.max(columns.length, 1))));
  const widest = longest(columns);
  const upright = widest > cell - 4;
  const top = upright ? Math.min(widest, widestLabel) + 10 : 20;
  return {
    cell,
    left,
    top,
    upright,
    stride: Math.ceil(12 / cell),
    width: left + cell * columns.length + 1,
    height: top + cell * rows.length + 1,
  };
}
