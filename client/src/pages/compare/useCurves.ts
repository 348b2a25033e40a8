import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useApiQueries } from '../../api/queries.ts';
import { CompareCurvesDocument, type CompareCurvesQuery } from '../../generated/operations.ts';
import { type RunCurves, stepsIn } from './curves.ts';
import type { CompareView } from './useCompareView.ts';

/** Points of one curve: more than a chart has pixels say nothing. */
const maxPoints = 1000;
/** Milliseconds between two looks at a run that is under way. */
const pause = 4_000;

const every = (answer: CompareCurvesQuery | undefined) =>
  answer?.run && /QUEUED|RUNNING|CANCELING/.test(answer.run.status) ? pause : false;

export interface Curves {
  /** In the order of the ids; undefined where they are not there. */
  readonly runs: readonly (RunCurves | undefined)[];
  readonly isLoading: boolean;
  /** One that could not be loaded, if any. */
  readonly failed: UseQueryResult | undefined;
}

/** The curves of every run; of the stretch that is shown with as many points again. */
export function useCurves(ids: readonly string[], names: readonly string[], { axis, stretch }: CompareView): Curves {
  const wide = useApiQueries(
    CompareCurvesDocument,
    ids.map((id) => ({ id, names, maxPoints })),
    every,
  );
  const whole = wide.map(({ data }) => data?.run ?? undefined);
  const zoomed = ids.flatMap((id, place) => {
    const steps = stretch && stepsIn(whole[place], axis, stretch);
    return steps ? { id, names, maxPoints, fromStep: steps[0], toStep: steps[1] } : [];
  });
  const close = useApiQueries(CompareCurvesDocument, zoomed, every);
  const details = close.map(({ data }) => data?.run ?? undefined);
  const version = [...wide, ...close].map(({ dataUpdatedAt }) => dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the answers
  const runs = useMemo(
    () => whole.map((run) => details.find((detail) => detail?.id === run?.id) ?? run),
    [version, zoomed.length, ids, names],
  );
  return {
    runs,
    isLoading: wide.some(({ isPending }) => isPending),
    failed: wide.find(({ error, data }) => error && !data),
  };
}
