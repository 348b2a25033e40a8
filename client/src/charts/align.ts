/** Series of different abscissas on one axis, as uPlot wants them. */

export interface Point {
  readonly x: number;
  /** Null: not finite there. */
  readonly y: number | null;
}

export type Row = (number | null | undefined)[];

/** The sorted union of all abscissas, and each series on it: `undefined` where it has no point, null where it is not finite. */
export function alignSeries(series: readonly (readonly Point[])[]): readonly [xs: number[], ...ys: Row[]] {
  const sorted = series.map(inOrder);
  const xs = union(sorted);
  const rows = sorted.map((points) => {
    const row: Row = new Array(xs.length).fill(undefined);
    let at = 0;
    for (const { x, y } of points) {
      while (xs[at]! < x) at++;
      row[at] = y;
    }
    return row;
  });
  return [xs, ...rows];
}

/** Points by their abscissa, which they nearly always are: charts that stream ask 20 times a second. */
function inOrder(points: readonly Point[]): readonly Point[] {
  const ordered = points.every(({ x }, index) => index === 0 || points[index - 1]!.x <= x);
  return ordered ? points : [...points].sort((a, b) => a.x - b.x);
}

function union(series: readonly (readonly Point[])[]): number[] {
  const at = series.map(() => 0);
  const xs: number[] = [];
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    series.forEach((points, index) => {
      const point = points[at[index]!];
      if (point && point.x < next) next = point.x;
    });
    if (next === Number.POSITIVE_INFINITY) return xs;
    xs.push(next);
    series.forEach((points, index) => {
      while (points[at[index]!]?.x === next) at[index]!++;
    });
  }
}

/** The place nearest to `at` where a row has a point; `at` itself where it has none. Of two as near, the earlier. */
export function nearestPlace(row: Row, at: number): number {
  for (let distance = 0; distance < row.length; distance++) {
    if (row[at - distance] !== undefined) return at - distance;
    if (row[at + distance] !== undefined) return at + distance;
  }
  return at;
}
