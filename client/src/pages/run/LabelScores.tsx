import { useMemo, useState } from 'react';
import { count, percent } from '../../format/numbers.ts';
import type { RunScoreQuery } from '../../generated/operations.ts';
import { type Column, DataTable, type Sorting } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Panel } from '../../ui/Page.tsx';

type Node = Extract<NonNullable<RunScoreQuery['node']>, { score: unknown }>;
type LabelScore = NonNullable<Node['score']>['perLabel'][number];

const columns: readonly Column<LabelScore>[] = [
  {
    key: 'label',
    header: 'Class',
    width: 'minmax(8rem, 1fr)',
    sortable: true,
    cell: ({ label }) => <Name>{label}</Name>,
  },
  {
    key: 'precision',
    header: 'Precision',
    width: '7rem',
    align: 'right',
    sortable: true,
    cell: ({ precision }) => percent(precision, 1),
  },
  {
    key: 'recall',
    header: 'Recall',
    width: '6rem',
    align: 'right',
    sortable: true,
    cell: ({ recall }) => percent(recall, 1),
  },
  {
    key: 'support',
    header: 'Images',
    width: '6rem',
    align: 'right',
    sortable: true,
    cell: ({ support }) => count(support),
  },
];

/** Class by class; those that are found least come first. */
export function LabelScores({ scores }: { readonly scores: readonly LabelScore[] }) {
  const [sorting, setSorting] = useState<Sorting>({ key: 'recall', direction: 'ASC' });
  const rows = useMemo(() => {
    const key = sorting.key as keyof LabelScore;
    const sign = sorting.direction === 'ASC' ? 1 : -1;
    return [...scores].sort((a, b) => sign * compare(a[key], b[key]));
  }, [scores, sorting]);
  return (
    <Panel title="By class">
      <DataTable
        label="Scores by class"
        columns={columns}
        rows={rows}
        rowKey={({ label }) => label}
        sorting={sorting}
        onSort={setSorting}
        maxHeight="26rem"
      />
    </Panel>
  );
}

/** What is not known (a class that never occurs) counts as more than anything. */
function compare(a: string | number | null, b: string | number | null): number {
  if (typeof a === 'string' && typeof b === 'string') return a.localeCompare(b);
  return Number(a ?? 2) - Number(b ?? 2);
}
