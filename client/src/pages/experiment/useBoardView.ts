import { useMemo } from 'react';
import type { Split } from '../../generated/operations.ts';
import type { Sorting } from '../../ui/DataTable.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { type ColumnKey, formatColumns, parseColumns } from './columnKeys.ts';

/** What of the runs is listed and how, as the link of the view says it. */
export interface BoardView {
  readonly filter: string;
  /** What is ranked by; null: the experiment's objective. */
  readonly metric: string | null;
  /** Null: as the metric says, or the hold-out where there is one. */
  readonly split: Split | null;
  readonly ensembles: boolean;
  readonly columns: readonly ColumnKey[];
  /** Undefined: in the list's own order. */
  readonly sorting: Sorting | undefined;
}

export function useBoardView(): readonly [view: BoardView, change: (changes: Partial<BoardView>) => void] {
  const [get, set] = useSearch();
  const [filter, metric, split] = [get('filter') ?? '', get('metric'), get('split')];
  const [columns, sort, ensembles] = [get('columns'), get('sort'), get('ensembles') !== 'no'];
  const view = useMemo(
    () => ({
      filter,
      metric,
      split: splits.find((known) => known === split) ?? null,
      ensembles,
      columns: parseColumns(columns),
      sorting: parseSorting(sort),
    }),
    [filter, metric, split, columns, sort, ensembles],
  );
  const change = (changes: Partial<BoardView>) => {
    const to: Record<string, string | null> = {};
    if (changes.filter !== undefined) to.filter = changes.filter || null;
    if (changes.metric !== undefined) to.metric = changes.metric;
    if (changes.split !== undefined) to.split = changes.split;
    if (changes.ensembles !== undefined) to.ensembles = changes.ensembles ? null : 'no';
    if (changes.columns !== undefined) to.columns = formatColumns(changes.columns);
    if ('sorting' in changes) to.sort = changes.sorting ? formatSorting(changes.sorting) : null;
    set(to);
  };
  return [view, change];
}

const splits: readonly Split[] = ['TRAIN', 'VALID', 'HOLDOUT'];

/** `seconds` upwards, `-seconds` downwards. */
function parseSorting(text: string | null): Sorting | undefined {
  if (!text) return undefined;
  return text.startsWith('-') ? { key: text.slice(1), direction: 'DESC' } : { key: text, direction: 'ASC' };
}

function formatSorting({ key, direction }: Sorting): string {
  return direction === 'DESC' ? `-${key}` : key;
}
