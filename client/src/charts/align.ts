/** Series of different abscissas on one axis, as uPlot wants them. */

export interface Point {
  readonly x: number;
  /** Null: not finite there. */
  readonly y: number | null;
}

/** The sorted union of all abscissas, and each series on it: `undefined` where it has no point, null where it is not finite. */
export function alignSeries(
  series: readonly (readonly Point[])[],
): readonly [xs: number[], ...ys: (number | null | undefined)[][]] {
  const xs = [...new Set(series.flatMap((points) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  const rows = series.map((points) => {
    const row: (number | null | undefined)[] = new Array(xs.length).fill(undefined);
    for (const { x, y } of points) row[place.get(x)!] = y;
    return row;
  });
  return [xs, ...rows];
}
