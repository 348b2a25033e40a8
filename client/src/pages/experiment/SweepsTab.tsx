import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { ExperimentSweepsDocument, type ExperimentSweepsQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Status } from '../../ui/Status.tsx';
import { StatusCounts } from '../../ui/StatusCounts.tsx';
import type { ExperimentHead } from './head.ts';

type Sweep = NonNullable<ExperimentSweepsQuery['experiment']>['sweeps']['nodes'][number];

const pageOf = (data: ExperimentSweepsQuery) => data.experiment?.sweeps;

const columns: readonly Column<Sweep>[] = [
  {
    key: 'name',
    header: 'Name',
    width: 'minmax(14rem, 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.sweep(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  { key: 'status', header: 'Status', width: '8rem', cell: ({ status }) => <Status of={status} /> },
  {
    key: 'size',
    header: 'Runs',
    width: '5rem',
    align: 'right',
    cell: ({ runCounts }) => count(runCounts.reduce((sum, one) => sum + one.count, 0)),
  },
  {
    key: 'counts',
    header: 'How they stand',
    width: '22rem',
    cell: ({ runCounts }) => <StatusCounts counts={runCounts} />,
  },
  { key: 'created', header: 'Created', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

export function SweepsTab({ experiment }: { readonly experiment: ExperimentHead }) {
  const pages = useApiPages(ExperimentSweepsDocument, { id: experiment.id, first: 50 }, pageOf, { every: 5_000 });
  if (pages.error && !pages.first) return <Failure error={pages.error} onRetry={pages.refetch} />;
  if (!pages.first) return <Skeleton height="20rem" />;
  if (pages.rows.length === 0) {
    return (
      <Empty title="No sweeps yet">
        <p>
          A sweep queues runs of several architectures, preprocessings and values together, and shows how they compare.
        </p>
        {experiment.dataset && (
          <ForWriters>
            <ButtonLink look="primary" to={routes.start(experiment.id)}>
              Start a sweep
            </ButtonLink>
          </ForWriters>
        )}
      </Empty>
    );
  }
  return (
    <DataTable label="Sweeps" columns={columns} rows={pages.rows} rowKey={({ id }) => id} onNearEnd={pages.loadMore} />
  );
}
