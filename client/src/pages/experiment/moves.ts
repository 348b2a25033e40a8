/** What has changed in a ranking that is being watched. */

/** Places won (> 0) or lost (< 0) among the entries that were there before; entries that came or went move nobody. `new`: has come. */
export type Moves = ReadonlyMap<string, number | 'new'>;

/** Only what has moved is in the answer. Keys in order of rank, each once. */
export function rankMoves(before: readonly string[], after: readonly string[]): Moves {
  const there = new Set(after);
  const placeBefore = new Map(before.filter((key) => there.has(key)).map((key, place) => [key, place]));
  const moves = new Map<string, number | 'new'>();
  let place = 0;
  for (const key of after) {
    const was = placeBefore.get(key);
    if (was === undefined) moves.set(key, 'new');
    else {
      if (was !== place) moves.set(key, was - place);
      place++;
    }
  }
  return moves;
}

/**
 * The rows as they have arrived, in the order that is on the screen: what has gone is left out, what is new waits at the end. So nothing
 * moves under a pointer while its values change.
 */
export function inHeldOrder<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  order: readonly string[],
): readonly Row[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const held = order.flatMap((key) => byKey.get(key) ?? []);
  const shown = new Set(order);
  return [...held, ...rows.filter((row) => !shown.has(keyOf(row)))];
}

/**
 * Loaded pages with the newest first entries in place of what they say: entries that have risen from a later page stand once. What has fallen out
 * of `head` without being in `tail` is missing until its page is loaded anew.
 */
export function withNewHead<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  head: readonly Row[],
): readonly Row[] {
  const fresh = new Set(head.map(keyOf));
  return [...head, ...rows.slice(head.length).filter((row) => !fresh.has(keyOf(row)))];
}
