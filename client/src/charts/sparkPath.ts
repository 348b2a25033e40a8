/** The line of a sparkline as an SVG path, and where it ends. */

export interface Spark {
  readonly path: string;
  readonly last: readonly [x: number, y: number] | null;
}

/** Values at equal distances in a box of `width` times `height`, the greatest at the top; null leaves a gap. All equal: in the middle. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): Spark {
  const finite = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const place = (value: number, index: number): [number, number] => [
    values.length < 2 ? width / 2 : (index / (values.length - 1)) * width,
    high === low ? height / 2 : (1 - (value - low) / (high - low)) * height,
  ];
  let path = '';
  let drawing = false;
  let last: Spark['last'] = null;
  values.forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) {
      drawing = false;
      return;
    }
    last = place(value, index);
    path += `${drawing ? 'L' : 'M'}${last.map((part) => part.toFixed(1)).join(' ')}`;
    drawing = true;
  });
  return { path, last };
}
