import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { count, percent, significant } from '../../format/numbers.ts';
import { ExperimentEnsemblesDocument, type ExperimentEnsemblesQuery, type Split } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import type { ExperimentHead } from './head.ts';

type Ensemble = NonNullable<ExperimentEnsemblesQuery['experiment']>['ensembles']['nodes'][number];

const pageOf = (data: ExperimentEnsemblesQuery) => data.experiment?.ensembles;
const scoreOn = ({ scores }: Ensemble, split: Split) => scores.find((score) => score.split === split);

const methods: Readonly<Record<Ensemble['method'], string>> = {
  MEAN: 'Mean',
  GEOMETRIC_MEAN: 'Geometric mean',
  RANK_MEAN: 'Mean of ranks',
  MAJORITY_VOTE: 'Majority vote',
};

const columns: readonly Column<Ensemble>[] = [
  {
    key: 'name',
    header: 'Name',
    width: 'minmax(14rem, 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.ensemble(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  { key: 'members', header: 'Members', width: '6rem', align: 'right', cell: ({ members }) => count(members.length) },
  { key: 'method', header: 'Method', width: '9rem', cell: ({ method }) => methods[method] },
  {
    key: 'holdout',
    header: 'Hold-out error',
    width: '8.5rem',
    align: 'right',
    cell: (row) => percent(scoreOn(row, 'HOLDOUT')?.errorRate),
  },
  {
    key: 'valid',
    header: 'Validation error',
    width: '9rem',
    align: 'right',
    cell: (row) => percent(scoreOn(row, 'VALID')?.errorRate),
  },
  {
    key: 'loss',
    header: 'Validation log loss',
    width: '10rem',
    align: 'right',
    cell: (row) => {
      const score = scoreOn(row, 'VALID');
      return score ? significant(score.logLoss, 4) : '–';
    },
  },
  {
    key: 'submissions',
    header: 'Submissions',
    width: '7rem',
    align: 'right',
    cell: ({ submissions }) => count(submissions.length),
  },
  { key: 'created', header: 'Created', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

export function EnsemblesTab({ experiment }: { readonly experiment: ExperimentHead }) {
  const pages = useApiPages(ExperimentEnsemblesDocument, { id: experiment.id, first: 100 }, pageOf, { every: 10_000 });
  if (pages.error && !pages.first) return <Failure error={pages.error} onRetry={pages.refetch} />;
  if (!pages.first) return <Skeleton height="20rem" />;
  if (pages.rows.length === 0) {
    return (
      <Empty title="No ensembles yet">
        <p>
          An ensemble combines the stored predictions of several runs, which is often better than the best of them, and
          costs no training.
        </p>
        <ForWriters>
          <ButtonLink look="primary" to={routes.newEnsemble(experiment.id)}>
            Build an ensemble
          </ButtonLink>
        </ForWriters>
      </Empty>
    );
  }
  return (
    <DataTable
      label="Ensembles"
      columns={columns}
      rows={pages.rows}
      rowKey={({ id }) => id}
      onNearEnd={pages.loadMore}
    />
  );
}
