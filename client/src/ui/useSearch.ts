import { useCallback, useMemo } from 'react';
import { useSearch as useSearchText } from 'wouter';
import { navigate } from 'wouter/use-browser-location';

type Changes = Readonly<Record<string, string | null>>;

/** Reads and writes what a view's link says of its state: everything that is worth sharing stands there. */
export function useSearch(): readonly [
  get: (key: string) => string | null,
  /** Null takes a key away. `push`: as a step of the browser's history; else in place of the present one. */
  set: (changes: Changes, options?: { readonly push?: boolean }) => void,
] {
  const text = useSearchText();
  const params = useMemo(() => new URLSearchParams(text), [text]);
  const get = useCallback((key: string) => params.get(key), [params]);
  return [get, writeSearch];
}

/** From the address as it stands now, not as it was rendered: several parts of a view may write at once. */
function writeSearch(changes: Changes, { push = false }: { readonly push?: boolean } = {}): void {
  const next = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const search = next.toString();
  if (`?${search}` === location.search || (search === '' && location.search === '')) return;
  // The same step of the history stays the same to those who keep something with it.
  const state: unknown = push ? null : history.state;
  navigate(`${location.pathname}${search && `?${search}`}`, { replace: !push, state });
}
