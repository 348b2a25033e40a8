/** Which of many runs no other beats in both respects. */

export interface Trade {
  /** What it costs: seconds, bytes. Smaller is better. */
  readonly x: number;
  readonly y: number;
}

/**
 * The points of which no other is at least as good in both and better in one, from the cheapest to the best. Of equal points the first counts.
 * @param better which y is better: `ASC` the smaller
 */
export function paretoFront<Point extends Trade>(points: readonly Point[], better: 'ASC' | 'DESC'): readonly Point[] {
  const sign = better === 'ASC' ? 1 : -1;
  const sorted = points
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .map((point, index) => ({ point, index }))
    .sort((a, b) => a.point.x - b.point.x || sign * (a.point.y - b.point.y) || a.index - b.index);
  const front: Point[] = [];
  let best = Number.POSITIVE_INFINITY;
  for (const { point } of sorted) {
    if (sign * point.y < best) {
      front.push(point);
      best = sign * point.y;
    }
  }
  return front;
}
