import type { AxisMark } from '../../charts/lineMarks.ts';
import type { Axis } from './axis.ts';
import type { RunState } from './runState.ts';
import type { Stepped } from './series.ts';

/**
 * Where later attempts of a run began: at the first step of which they have told anything. Those that came to none are not told of, and of
 * several that began at the same place the last is.
 */
export function attemptMarks({ facts, series, memory }: RunState, axis: Axis): readonly AxisMark[] {
  const { attempts } = facts;
  if (attempts.length < 2) return [];
  const told: readonly Stepped[] = [memory, ...series.values()].flatMap(({ points }): readonly Stepped[] => points);
  const marks = new Map<number, string>();
  attempts.forEach(({ number, startedAt }, index) => {
    if (index === 0) return;
    const from = Date.parse(startedAt);
    const to = Date.parse(attempts[index + 1]?.startedAt ?? '') || Number.POSITIVE_INFINITY;
    const steps = told.filter(({ at }) => at >= from && at < to).map(({ step }) => step);
    const step = steps.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
    if (step !== Number.POSITIVE_INFINITY) marks.set(axis.beginOf({ step, at: from }), `Attempt ${number}`);
  });
  return [...marks].map(([x, label]) => ({ x, label })).sort((a, b) => a.x - b.x);
}
