import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** Reads and writes what a view's link says of its state: everything that is worth sharing stands there. */
export function useSearch(): readonly [
  get: (key: string) => string | null,
  /** Null takes a key away. `push`: as a step of the browser's history; else in place of the present one. */
  set: (changes: Readonly<Record<string, string | null>>, options?: { readonly push?: boolean }) => void,
] {
  const [params, setParams] = useSearchParams();
  const get = useCallback((key: string) => params.get(key), [params]);
  const set = useCallback(
    (changes: Readonly<Record<string, string | null>>, { push = false }: { readonly push?: boolean } = {}) => {
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [key, value] of Object.entries(changes)) {
            if (value === null) next.delete(key);
            else next.set(key, value);
          }
          return next;
        },
        { replace: !push },
      );
    },
    [setParams],
  );
  return [get, set];
}
