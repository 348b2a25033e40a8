import { useMemo } from 'react';
import { Link } from 'wouter';
import { bytes, duration } from '../../format/numbers.ts';
import type { OrderDirection } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable, type Sorting } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Experiment.module.css';
import type { Mark } from './scatterPoints.ts';

const values: Readonly<Record<string, (mark: Mark) => number | null>> = {
  score: ({ y }) => y,
  seconds: ({ run }) => run.trainSeconds,
  memory: ({ run }) => run.peakMemory,
};

/** The marks of the plot as a table. */
export function MarkList({
  marks,
  front,
  metric,
  better,
  formatScore,
}: {
  readonly marks: readonly Mark[];
  readonly front: readonly Mark[];
  readonly metric: string;
  readonly better: OrderDirection;
  readonly formatScore: (value: number) => string;
}) {
  const [get, set] = useSearch();
  const given = get('order') ?? '';
  const key = given.replace(/^-/, '');
  const sorting = useMemo<Sorting>(
    () =>
      values[key] ? { key, direction: given.startsWith('-') ? 'DESC' : 'ASC' } : { key: 'score', direction: better },
    [key, given, better],
  );
  const rows = useMemo(() => sorted(marks, sorting), [marks, sorting]);
  const columns = useMemo(() => columnsOf(new Set(front), metric, formatScore), [front, metric, formatScore]);
  return (
    <DataTable
      label="Runs and what they cost"
      columns={columns}
      rows={rows}
      rowKey={({ id }) => id}
      sorting={sorting}
      onSort={({ key: by, direction }) => set({ order: direction === 'DESC' ? `-${by}` : by })}
    />
  );
}

/** What has no value stands at the end. */
function sorted(marks: readonly Mark[], { key, direction }: Sorting): readonly Mark[] {
  const sign = direction === 'ASC' ? 1 : -1;
  const value = (mark: Mark) => values[key]!(mark) ?? sign * Number.POSITIVE_INFINITY;
  return [...marks].sort((a, b) => sign * (value(a) - value(b)) || 0);
}

function columnsOf(
  front: ReadonlySet<Mark>,
  metric: string,
  formatScore: (value: number) => string,
): readonly Column<Mark>[] {
  return [
    {
      key: 'name',
      header: 'Name',
      width: 'minmax(14rem, 1fr)',
      cell: ({ id, label }) => (
        <Link href={routes.run(id)}>
          <Name>{label}</Name>
        </Link>
      ),
    },
    { key: 'front', header: 'Pareto front', width: '8rem', cell: (mark) => (front.has(mark) ? 'on it' : '') },
    { key: 'score', header: metric, width: '9rem', align: 'right', sortable: true, cell: ({ y }) => formatScore(y) },
    {
      key: 'seconds',
      header: 'Training time',
      width: '8rem',
      align: 'right',
      sortable: true,
      cell: ({ run }) => duration(run.trainSeconds),
    },
    {
      key: 'memory',
      header: 'Peak memory',
      width: '8rem',
      align: 'right',
      sortable: true,
      cell: ({ run }) => bytes(run.peakMemory),
    },
    {
      key: 'architecture',
      header: 'Architecture',
      width: '14rem',
      cell: ({ run }) => <span className={styles.code}>{run.architecture}</span>,
    },
  ];
}
