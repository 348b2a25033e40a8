/** From the series of runs to the lines of one chart. */

import type { Point } from '../../charts/align.ts';
import { smooth } from '../../charts/smooth.ts';
import type { CompareCurvesQuery } from '../../generated/operations.ts';

export type RunCurves = NonNullable<CompareCurvesQuery['run']>;
export type AxisName = 'step' | 'epoch';

/** Steps of one epoch, by the validations, of which there is one at the end of each; null before the first. */
function stepsPerEpoch({ epochs: [series] }: RunCurves): number | null {
  const last = series?.points.at(-1)?.step;
  return series && last ? last / series.total : null;
}

/** The points of one run on one chart. `place`: that of the run among those compared. */
export interface Curve {
  readonly place: number;
  readonly points: readonly Point[];
}

/**
 * The curves of one metric, one for each run that has logged it.
 * @param runs undefined while they are on their way
 */
export function curvesOf(
  metric: string,
  runs: readonly (RunCurves | undefined)[],
  { axis, smoothing }: { readonly axis: AxisName; readonly smoothing: number },
): readonly Curve[] {
  return runs.flatMap((run, place) => {
    const series = run?.curves.find(({ name }) => name === metric);
    if (!run || !series) return [];
    const scale = axis === 'epoch' ? stepsPerEpoch(run) : 1;
    if (scale === null) return [];
    const points = series.points.map(({ step, value }) => ({ x: step / scale, y: value.value }));
    return { place, points: smooth(points, smoothing) };
  });
}

/** The steps of a run that lie in a stretch of the axis; null while that cannot be told. */
export function stepsIn(
  run: RunCurves | undefined,
  axis: AxisName,
  [from, to]: readonly [from: number, to: number],
): readonly [from: number, to: number] | null {
  const scale = axis === 'step' ? 1 : run && stepsPerEpoch(run);
  if (!scale) return null;
  // One step more on either side, so that lines reach the edges.
  return [Math.max(0, Math.floor(from * scale) - 1), Math.ceil(to * scale) + 1];
}
