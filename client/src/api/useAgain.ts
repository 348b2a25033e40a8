import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';

/** Milliseconds between two looks, at least. */
const pause = 500;

/**
 * Asks for operations again, by name, whenever it is called: at once, then not before the answers are there. However often it is called
 * meanwhile, one more look follows, so that the last answer is newer than the last call.
 */
export function useAgain(...names: readonly string[]): () => void {
  const client = useQueryClient();
  const latest = useRef(names);
  latest.current = names;
  const state = useRef({ busy: false, wanted: false, gone: false });
  useEffect(() => {
    const own = state.current;
    own.gone = false;
    return () => {
      own.gone = true;
    };
  }, []);
  return useCallback(() => {
    const own = state.current;
    own.wanted = true;
    if (own.busy) return;
    own.busy = true;
    const look = async () => {
      while (own.wanted && !own.gone) {
        own.wanted = false;
        await Promise.all(latest.current.map((name) => client.invalidateQueries({ queryKey: [name] })));
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      own.busy = false;
    };
    void look();
  }, [client]);
}
