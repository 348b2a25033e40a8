import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearch } from '../../ui/useSearch.ts';
import { type BuilderState, parseState, serializeState } from './builderState.ts';

/** Milliseconds after a change until the link says it and the server is asked; also while changes go on. Browsers take some 3 changes of a link a second. */
const pause = 350;

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
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => {
    if (!draft || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      set(serializeState(newest.current));
      setDraft(null);
    }, pause);
  }, [draft, set]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  const change = useCallback<Builder['change']>((of) => {
    newest.current = { ...newest.current, ...of(newest.current) };
    setDraft(newest.current);
  }, []);
  return { state: draft ?? settled, settled, change };
}
