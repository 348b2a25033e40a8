/** Swin's attention windows as numbers: which tokens share a window, which of those see each other, how far apart they are. */

import type { Grid } from './positionEmbedding.ts';

export interface Windows {
  /** Tokens per column and row of a window. */
  readonly window: Grid;
  /** Windows of one image. */
  readonly count: number;
  /** For every token of every window, row by row: its place in the image (row * columns + column), -1 where padding fills. */
  readonly places: Int32Array;
  /** [count, area, area]: -100 between tokens of a window that do not lie together in the image, else 0. Null: all do. */
  readonly mask: Float32Array | null;
}

/**
 * Windows over `map`, moved down and right by half a window when `shifted`. As timm does, each axis by itself: `nominal` (the
 * input's side halved per stage, rounded down, where the map's is rounded up) within the window makes that axis one window of the
 * nominal length, not shifted. The map is rolled first, then padded at the bottom and right to whole windows.
 */
export function windowsOf(map: Grid, nominal: Grid, window: number, shifted: boolean): Windows {
  const rows = axisOf(map.rows, nominal.rows, window, shifted);
  const columns = axisOf(map.columns, nominal.columns, window, shifted);
  const area = rows.window * columns.window;
  const count = rows.windows * columns.windows;
  const places = new Int32Array(count * area);
  const regions = new Int32Array(count * area);
  let i = 0;
  for (let a = 0; a < rows.windows; a++)
    for (let b = 0; b < columns.windows; b++)
      for (let y = a * rows.window; y < (a + 1) * rows.window; y++)
        for (let x = b * columns.window; x < (b + 1) * columns.window; x++, i++) {
          const padding = y >= map.rows || x >= map.columns;
          places[i] = padding ? -1 : rows.origin(y) * map.columns + columns.origin(x);
          regions[i] = 3 * rows.region(y) + columns.region(x);
        }
  return {
    window: { rows: rows.window, columns: columns.window },
    count,
    places,
    mask: rows.shift || columns.shift ? maskOf(regions, count, area) : null,
  };
}

interface Axis {
  readonly window: number;
  readonly windows: number;
  readonly shift: number;
  /** Where in the image the token at `i` of the rolled axis comes from. */
  origin(i: number): number;
  /** Tokens of one window see each other when they are in the same region of both axes. */
  region(i: number): number;
}

function axisOf(length: number, nominal: number, wanted: number, shifted: boolean): Axis {
  const window = Math.min(wanted, nominal);
  const shift = shifted && nominal > wanted ? Math.floor(wanted / 2) : 0;
  const windows = Math.ceil(length / window);
  const padded = windows * window;
  return {
    window,
    windows,
    shift,
    origin: (i) => (i + shift) % length,
    region: (i) => (shift === 0 || i < padded - window ? 0 : i < padded - shift ? 1 : 2),
  };
}

function maskOf(regions: Int32Array, count: number, area: number): Float32Array {
  const mask = new Float32Array(count * area * area);
  for (let w = 0; w < count; w++)
    for (let p = 0; p < area; p++)
      for (let q = 0; q < area; q++)
        if (regions[w * area + p] !== regions[w * area + q]) mask[(w * area + p) * area + q] = -100;
  return mask;
}

/**
 * [area, area]: the row of a table over all offsets ((2 * rows - 1) * (2 * columns - 1), row by row) that holds what token p and
 * token q of a window have to do with each other.
 */
export function relativeIndex({ rows, columns }: Grid): Int32Array {
  const area = rows * columns;
  const index = new Int32Array(area * area);
  for (let p = 0; p < area; p++)
    for (let q = 0; q < area; q++) {
      const down = Math.floor(p / columns) - Math.floor(q / columns) + rows - 1;
      const right = (p % columns) - (q % columns) + columns - 1;
      index[p * area + q] = down * (2 * columns - 1) + right;
    }
  return index;
}

/** Rows of a table over all offsets within a window. */
export function offsetsOf({ rows, columns }: Grid): number {
  return (2 * rows - 1) * (2 * columns - 1);
}

/** The places of an image from left to right, row by row. */
export function imageOrder({ rows, columns }: Grid): Int32Array {
  return Int32Array.from({ length: rows * columns }, (_, i) => i);
}

/**
 * Patch merging from the map `before` to `after` of half its sides, rounded up: for each token of `after` in `order` the places of
 * the 2x2 cell it is made of, column by column, -1 past the edge.
 */
export function cellsOf(before: Grid, after: Grid, order: Int32Array): Int32Array {
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const;
  return Int32Array.from(
    [...order].flatMap((place) =>
      corners.map(([down, right]) => {
        const row = 2 * Math.floor(place / after.columns) + down;
        const column = 2 * (place % after.columns) + right;
        return row < before.rows && column < before.columns ? row * before.columns + column : -1;
      }),
    ),
  );
}
