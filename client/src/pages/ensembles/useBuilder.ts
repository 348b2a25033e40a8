import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearch } from '../../ui/useSearch.ts';
import { type BuilderState, parseState, serializeState } from './builderState.ts';

/** Milliseconds without a change after which the link says it, and the server is asked. */
const pause = 250;

export interface Builder {
  /** As it stands in the form. */
  readonly state: BuilderState;
  /** As the link says it: what is computed is of this. */
  readonly settled: BuilderState;
  /** Gives a function of the newest state, so that two changes in a row do not undo one another. */
  readonly change: (of: (before: BuilderState) => Partial<BuilderState>) => void;
}

/** An ensemble in the making. It lives in the link; while a slider moves, a moment ahead of it. */
export function useBuilder(): Builder {
  const [get, set] = useSearch();
  const runs = get('runs');
  const where = get('where');
  const method = get('method');
  const settled = useMemo(() => parseState((key) => ({ runs, where, method })[key]), [runs, where, method]);
  const [draft, setDraft] = useState<BuilderState | null>(null);
  const newest = useRef(settled);
  newest.current = draft ?? settled;
  useEffect(() => {
    if (!draft) return;
    const timer = setTimeout(() => {
      set(serializeState(draft));
      setDraft(null);
    }, pause);
    return () => clearTimeout(timer);
  }, [draft, set]);
  const change = useCallback<Builder['change']>((of) => {
    newest.current = { ...newest.current, ...of(newest.current) };
    setDraft(newest.current);
  }, []);
  return { state: draft ?? settled, settled, change };
}
