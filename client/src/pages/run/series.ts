/** Series that grow without end in a bounded place. */

/** Something that happened at a step, at a moment (milliseconds since the epoch). */
export interface Stepped {
  readonly step: number;
  readonly at: number;
}

/**
 * By step, each step once. Steps lie in buckets of `spacing`, a power of two: of each bucket the points that stand for it are kept, and the
 * first and the last point of all. What is kept depends on the points alone, not on the order in which they came, nor on how often.
 */
export interface Series<Point extends Stepped> {
  readonly points: readonly Point[];
  readonly spacing: number;
}

/**
 * Which points of a bucket stand for it, by step as they are given; among them those that stand for the bucket with more points, so that
 * what was left out is never missed.
 */
export type Choice<Point> = (bucket: readonly Point[]) => readonly Point[];

/** Points that a series keeps at most. */
export const seriesLimit = 2000;

/** @param distance of neighbours, in steps, where the points have been thinned already */
export function createSeries<Point extends Stepped>(
  points: readonly Point[],
  choose: Choice<Point>,
  distance = 1,
): Series<Point> {
  const spacing = 2 ** Math.floor(Math.log2(Math.max(1, distance)));
  // What the server has chosen stays, whatever buckets it lies in.
  return points.length <= seriesLimit ? { points, spacing } : addPoints({ points: [], spacing }, points, choose);
}

/** The series with more points. Of two points of a step the later one counts: another attempt has computed it again. */
export function addPoints<Point extends Stepped>(
  { points, spacing }: Series<Point>,
  added: readonly Point[],
  choose: Choice<Point>,
): Series<Point> {
  if (!added.length) return { points, spacing };
  const merged = merge(
    points,
    [...added].sort((a, b) => a.step - b.step || a.at - b.at),
  );
  let width = spacing;
  let kept = width === 1 ? merged : thin(merged, width, choose);
  while (kept.length > seriesLimit) {
    width *= 2;
    kept = thin(merged, width, choose);
  }
  return { points: kept, spacing: width };
}

/** Two lists by step as one. */
function merge<Point extends Stepped>(left: readonly Point[], right: readonly Point[]): Point[] {
  const merged: Point[] = [];
  const push = (point: Point) => {
    const last = merged.at(-1);
    if (last?.step !== point.step) merged.push(point);
    else if (point.at >= last.at) merged[merged.length - 1] = point;
  };
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const fromLeft = r === right.length || (l < left.length && left[l]!.step <= right[r]!.step);
    push(fromLeft ? left[l++]! : right[r++]!);
  }
  return merged;
}

function thin<Point extends Stepped>(points: readonly Point[], spacing: number, choose: Choice<Point>): Point[] {
  const bucketOf = ({ step }: Point) => Math.floor(step / spacing);
  const kept: Point[] = points.slice(0, 1);
  const keep = (point: Point) => {
    if (point !== kept.at(-1)) kept.push(point);
  };
  for (let from = 0, to = 0; from < points.length; from = to) {
    const bucket = bucketOf(points[from]!);
    while (to < points.length && bucketOf(points[to]!) === bucket) to++;
    choose(points.slice(from, to)).forEach(keep);
  }
  points.slice(-1).forEach(keep);
  return kept;
}
