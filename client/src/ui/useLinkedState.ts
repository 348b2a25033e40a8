import { useEffect, useRef, useState } from 'react';
import { useSearch } from './useSearch.ts';

/** Milliseconds of rest after which what was typed counts: browsers count how often a link is rewritten. */
const rest = 350;

/**
 * State of a form that its link tells of.
 * @param read what the link says, asked once
 * @param write what the link has to say of a state; null takes a key away
 * @returns the state, how to change it, and the state as it was when it last rested, which is what the link tells
 */
export function useLinkedState<State>(
  read: (get: (key: string) => string | null) => State,
  write: (state: State) => Readonly<Record<string, string | null>>,
): readonly [state: State, change: (change: (before: State) => State) => void, settled: State] {
  const [get, set] = useSearch();
  const [state, setState] = useState(() => read(get));
  const [settled, settle] = useState(state);
  const latest = useRef({ set, write });
  latest.current = { set, write };
  useEffect(() => {
    if (settled === state) return;
    const timer = setTimeout(() => {
      settle(state);
      latest.current.set(latest.current.write(state));
    }, rest);
    return () => clearTimeout(timer);
  }, [state, settled]);
  return [state, setState, settled];
}
