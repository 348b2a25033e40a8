import type { Point } from './align.ts';

/**
 * Exponential moving average with the bias of its beginning removed, as TensorBoard smooths: 0 leaves the series as it is, 0.99 hardly
 * follows it. What is not finite is passed over and kept.
 */
export function smooth(points: readonly Point[], weight: number): readonly Point[] {
  if (weight <= 0) return points;
  let sum = 0;
  let seen = 0;
  return points.map(({ x, y }) => {
    if (y === null) return { x, y };
    sum = sum * weight + (1 - weight) * y;
    seen++;
    return { x, y: sum / (1 - weight ** seen) };
  });
}
