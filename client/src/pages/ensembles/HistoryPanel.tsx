import { memo } from 'react';
import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { count, percent } from '../../format/numbers.ts';
import { imagesOf, splitWords } from '../../format/splits.ts';
import {
  EnsembleHistoryDocument,
  type EnsembleHistoryQuery,
  EnsembleSubmissionsDocument,
  type EnsembleSubmissionsQuery,
} from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import { methodNames } from './methods.ts';
import { SubmissionsTable } from './SubmissionsTable.tsx';

type Saved = NonNullable<EnsembleHistoryQuery['experiment']>['ensembles']['nodes'][number];

/** The ensembles of the experiment so far. */
export const HistoryPanel = memo(function HistoryPanel({ experimentId }: { readonly experimentId: string }) {
  const { rows, first, error, loadMore, refetch } = useApiPages(
    EnsembleHistoryDocument,
    { id: experimentId },
    ensemblesOf,
  );
  return (
    <Panel title="Ensembles of this experiment">
      {error && <Failure error={error} onRetry={refetch} />}
      {!first && !error && <Skeleton height="8rem" />}
      {first && rows.length === 0 && (
        <Empty title="None yet">
          <p>What is saved here stands in this list, with its scores and submissions.</p>
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Saved ensembles"
          columns={columns}
          rows={rows}
          rowKey={({ id }) => id}
          onNearEnd={loadMore}
          maxHeight="20rem"
        />
      )}
    </Panel>
  );
});

/** The submissions of the experiment so far, of ensembles and of single runs. */
export const SubmissionHistory = memo(function SubmissionHistory({ experimentId }: { readonly experimentId: string }) {
  const { rows, first, error, loadMore, refetch } = useApiPages(
    EnsembleSubmissionsDocument,
    { id: experimentId },
    submissionsOf,
  );
  return (
    <Panel title="Submissions of this experiment">
      {error && <Failure error={error} onRetry={refetch} />}
      {!first && !error && <Skeleton height="8rem" />}
      {first && rows.length === 0 && (
        <Empty title="None yet">
          <p>The page of a saved ensemble makes the CSV of what it predicts; all of them stand in this list.</p>
        </Empty>
      )}
      {rows.length > 0 && <SubmissionsTable submissions={rows} withSource onNearEnd={loadMore} />}
    </Panel>
  );
});

const submissionsOf = (data: EnsembleSubmissionsQuery) => data.experiment?.submissions;

const ensemblesOf = (data: EnsembleHistoryQuery) => data.experiment?.ensembles;

const scoreOn = (on: 'VALID' | 'HOLDOUT'): Column<Saved> => ({
  key: on,
  header: `${splitWords[on]} error`,
  width: '9.5rem',
  align: 'right',
  cell: ({ scores }) => percent(scores.find(({ split }) => split === on)?.errorRate),
});

const columns: readonly Column<Saved>[] = [
  {
    key: 'name',
    header: 'Ensemble',
    width: 'minmax(12rem, 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.ensemble(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  { key: 'members', header: 'Members', width: '6rem', align: 'right', cell: ({ members }) => count(members.length) },
  { key: 'method', header: 'Combined by', width: '9rem', cell: ({ method }) => methodNames[method] },
  {
    key: 'selection',
    header: 'Members chosen',
    width: '15rem',
    cell: ({ selection }) => (selection ? `by score on ${imagesOf(selection.split)}` : 'by hand'),
  },
  scoreOn('VALID'),
  scoreOn('HOLDOUT'),
  {
    key: 'submissions',
    header: 'Submissions',
    width: '7rem',
    align: 'right',
    cell: ({ submissions }) => count(submissions.length),
  },
  { key: 'created', header: 'Created', width: '9.5rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];
