/** The runs of a sweep as its table has them. */

import type { MetricNumber } from '../../format/numbers.ts';
import type { SweepRunFragment } from '../../generated/operations.ts';
import type { Sorting } from '../../ui/DataTable.tsx';

export interface Objective {
  readonly metric: string;
  readonly direction: 'ASC' | 'DESC';
}

/** The best value of what the experiment ranks by; NaN where it never was a number; null before the first value. */
export function scoreOf({ metrics }: Pick<SweepRunFragment, 'metrics'>, { metric, direction }: Objective) {
  const summary = metrics.find(({ name }) => name === metric);
  if (!summary) return null;
  return ((direction === 'ASC' ? summary.min : summary.max) ?? summary.last) as MetricNumber;
}

/** By a column, without values last; undefined: as they were given. */
export function sortRuns(
  runs: readonly SweepRunFragment[],
  sorting: Sorting | undefined,
  objective: Objective,
): readonly SweepRunFragment[] {
  if (!sorting) return runs;
  const values: Readonly<Record<string, (run: SweepRunFragment) => string | number | null>> = {
    name: ({ name }) => name,
    status: ({ status }) => status,
    score: (run) => scoreOf(run, objective)?.value ?? null,
    seconds: ({ trainSeconds }) => trainSeconds,
    memory: ({ peakMemory }) => peakMemory,
  };
  const read = values[sorting.key] ?? (() => null);
  const sign = sorting.direction === 'ASC' ? 1 : -1;
  return [...runs].sort((a, b) => {
    const [left, right] = [read(a), read(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    if (typeof left === 'string') return sign * left.localeCompare(String(right), 'en', { numeric: true });
    return sign * (left - Number(right));
  });
}

/** `name:ASC` in a link. */
export function readSorting(text: string | null): Sorting | undefined {
  const [key, direction] = (text ?? '').split(':');
  return key && (direction === 'ASC' || direction === 'DESC') ? { key, direction } : undefined;
}
