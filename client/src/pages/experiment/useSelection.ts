import { useEffect, useMemo, useState } from 'react';
import { keepSelection, keptSelection } from './keptSelection.ts';
import type { TableRow } from './rows.ts';

/**
 * Selected rows, as they are now where they are still listed: a filter that hides them takes them out of no selection, nor does a look at
 * another view.
 */
export function useSelection(rows: readonly TableRow[]): {
  readonly selected: ReadonlyMap<string, TableRow>;
  readonly keys: ReadonlySet<string>;
  readonly select: (keys: ReadonlySet<string>) => void;
  readonly replace: (selected: ReadonlyMap<string, TableRow>) => void;
} {
  const [chosen, setChosen] = useState<ReadonlyMap<string, TableRow>>(keptSelection);
  useEffect(() => keepSelection(chosen), [chosen]);
  const selected = useMemo(() => {
    if (chosen.size === 0) return chosen;
    const listed = new Map(rows.map((row) => [row.key, row]));
    return new Map([...chosen].map(([key, row]) => [key, listed.get(key) ?? row]));
  }, [chosen, rows]);
  const keys = useMemo(() => new Set(selected.keys()), [selected]);
  const select = (next: ReadonlySet<string>) => {
    const listed = new Map(rows.map((row) => [row.key, row]));
    setChosen(
      new Map(
        [...next].flatMap((key) => {
          const row = listed.get(key) ?? chosen.get(key);
          return row ? [[key, row] as const] : [];
        }),
      ),
    );
  };
  return { selected, keys, select, replace: setChosen };
}
