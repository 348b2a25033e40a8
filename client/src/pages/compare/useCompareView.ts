import { useMemo } from 'react';
import { mostCompared } from '../../domain/mostCompared.ts';
import { useSearch } from '../../ui/useSearch.ts';
import { parseRunIds } from './compareRuns.ts';
import type { AxisName } from './curves.ts';

export type Stretch = readonly [from: number, to: number];

/** What is compared and how it is looked at, as the link says it. */
export interface CompareView {
  /** The runs that the link names. */
  readonly named: readonly string[];
  /** Those of them that are compared: the first, where there are more than can be told apart. */
  readonly ids: readonly string[];
  /** The curves that were chosen; null: the usual ones. */
  readonly metrics: readonly string[] | null;
  readonly axis: AxisName;
  /** 0 to 0.99. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
  /** The stretch of the axis that is shown; null: all. */
  readonly stretch: Stretch | null;
  /** Whether only those fields of the config are listed that differ. */
  readonly onlyDifferences: boolean;
}

export function useCompareView(): readonly [view: CompareView, change: (changes: Partial<CompareView>) => void] {
  const [get, set] = useSearch();
  const [runs, metrics, axis, smooth] = [get('runs'), get('metrics'), get('axis'), Number(get('smooth') ?? 0)];
  const [log, range, diff] = [get('log') === '1', get('range'), get('config') !== 'all'];
  const named = useMemo(() => parseRunIds(runs), [runs]);
  const view = useMemo<CompareView>(
    () => ({
      named,
      ids: named.slice(0, mostCompared),
      metrics: metrics === null ? null : parseMetrics(metrics),
      axis: axis === 'epoch' ? 'epoch' : 'step',
      smoothing: smooth > 0 && smooth < 1 ? smooth : 0,
      logarithmic: log,
      stretch: parseStretch(range),
      onlyDifferences: diff,
    }),
    [named, metrics, axis, smooth, log, range, diff],
  );
  const change = ({ named, metrics, axis, smoothing, logarithmic, stretch, onlyDifferences }: Partial<CompareView>) => {
    const to: Record<string, string | null> = {};
    if (named) to.runs = named.join(',');
    if (metrics !== undefined) to.metrics = metrics?.map(encodeURIComponent).join(',') ?? null;
    if (axis) to.axis = axis === 'step' ? null : axis;
    if (smoothing !== undefined) to.smooth = smoothing === 0 ? null : String(smoothing);
    if (logarithmic !== undefined) to.log = logarithmic ? '1' : null;
    if (stretch !== undefined) to.range = stretch && `${trimmed(stretch[0])}_${trimmed(stretch[1])}`;
    if (onlyDifferences !== undefined) to.config = onlyDifferences ? null : 'all';
    set(to);
  };
  return [view, change];
}

const trimmed = (place: number) => String(Number(place.toPrecision(6)));

function parseMetrics(text: string): readonly string[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((word) => {
      try {
        return decodeURIComponent(word);
      } catch {
        return word;
      }
    });
}

function parseStretch(text: string | null): Stretch | null {
  const [from = Number.NaN, to = Number.NaN] = (text ?? '').split('_').map(Number);
  return from < to ? [from, to] : null;
}
