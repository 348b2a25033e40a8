import { useMemo } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import { RunZoomDocument } from '../../generated/operations.ts';
import { type MetricSample, metricSample } from './runState.ts';
import type { Series } from './series.ts';

const maxPoints = 800;

/** The series with what the server knows more of a stretch of steps, where they have been thinned. */
export function useDetail(
  id: string,
  series: ReadonlyMap<string, Series<MetricSample>>,
  steps: readonly [from: number, to: number] | null,
): ReadonlyMap<string, Series<MetricSample>> {
  const thinned = [...series.values()].some(({ spacing }) => spacing > 1);
  const [fromStep, toStep] = steps ?? [0, 0];
  const { data, isPlaceholderData } = useApiQuery(
    RunZoomDocument,
    { id, fromStep, toStep, maxPoints },
    { enabled: thinned && steps !== null },
  );
  const detail = isPlaceholderData || steps === null ? undefined : data?.run?.metricHistory;
  return useMemo(() => {
    if (!detail) return series;
    const finer = new Map(detail.map(({ name, points }) => [name, points.map(metricSample)]));
    return new Map(
      [...series].map(([name, coarse]) => [name, { ...coarse, points: insert(coarse.points, finer.get(name) ?? []) }]),
    );
  }, [series, detail]);
}

/** Coarse points outside of the stretch that the fine ones cover, and the fine ones within it. */
function insert(coarse: readonly MetricSample[], fine: readonly MetricSample[]): readonly MetricSample[] {
  const first = fine[0]?.step;
  const last = fine.at(-1)?.step;
  if (first === undefined || last === undefined) return coarse;
  return [...coarse.filter(({ step }) => step < first), ...fine, ...coarse.filter(({ step }) => step > last)];
}
