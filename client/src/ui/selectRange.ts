/** The keys that are selected once all from `from` to `to`, in either direction, have become `chosen` or not. Where `from` is no more: `to` alone. */
export function selectRange(
  selected: ReadonlySet<string>,
  keys: readonly string[],
  from: string,
  to: string,
  chosen: boolean,
): ReadonlySet<string> {
  const end = keys.indexOf(to);
  const start = keys.indexOf(from);
  const [first, last] = start < 0 ? [end, end] : [Math.min(start, end), Math.max(start, end)];
  const next = new Set(selected);
  for (const key of keys.slice(first, last + 1)) {
    if (chosen) next.add(key);
    else next.delete(key);
  }
  return next;
}
