import { useMemo, useRef } from 'react';
import type { EnsembleInput, Split } from '../../generated/operations.ts';
import { type BuilderState, memberInputs } from './builderState.ts';
import type { Members } from './useMembers.ts';

/**
 * What is to be computed: the members as the link says them. While one of their rules is being looked up, or is refused, what was computed
 * last stays. Null while nobody was chosen.
 */
export function useComputable(
  experimentId: string,
  split: Split,
  settled: BuilderState,
  { rules }: Members,
): (EnsembleInput & { readonly split: Split }) | null {
  const last = useRef<BuilderState | null>(null);
  if (rules.every(({ runs, problem }) => runs && problem === undefined)) last.current = settled;
  const state = last.current;
  return useMemo(() => {
    const members = state ? memberInputs(state) : [];
    return state && members.length > 0 ? { experimentId, split, members, method: state.method } : null;
  }, [experimentId, split, state]);
}
