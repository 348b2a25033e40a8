import type { RunState } from './runState.ts';

export interface BestValue {
  readonly value: number;
  readonly step: number;
}

/** The best finite value so far of what the run's experiment ranks by, and where it was first reached; null while there is none. */
export function bestOf({ facts, series }: RunState): BestValue | null {
  const { metric, direction } = facts.experiment.objective;
  const summary = facts.metrics.find(({ name }) => name === metric);
  const value = direction === 'ASC' ? summary?.min?.value : summary?.max?.value;
  const step = direction === 'ASC' ? summary?.minStep : summary?.maxStep;
  const known: readonly BestValue[] =
    value === null || value === undefined || step === null || step === undefined ? [] : [{ value, step }];
  const points = (series.get(metric)?.points ?? []).filter((point) => Number.isFinite(point.value));
  const better = (a: number, b: number) => (direction === 'ASC' ? a < b : a > b);
  let best: BestValue | null = null;
  for (const place of [...known, ...points]) if (!best || better(place.value, best.value)) best = place;
  return best && { value: best.value, step: best.step };
}
