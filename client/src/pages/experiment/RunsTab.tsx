import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import {
  ExperimentRunsDocument,
  type ExperimentRunsQuery,
  type RunOrderField,
  type RunOrderInput,
} from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import type { Sorting } from '../../ui/DataTable.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { BoardTools } from './BoardTools.tsx';
import { neededFor } from './columnKeys.ts';
import styles from './Experiment.module.css';
import type { ExperimentHead } from './head.ts';
import { ListState } from './ListState.tsx';
import { problemOn } from './problemOn.ts';
import { RunTable } from './RunTable.tsx';
import { keyOf, runRow } from './rows.ts';
import { chosenColumns, nameColumn } from './runColumns.tsx';
import { useBoardView } from './useBoardView.ts';
import { useLiveOrder } from './useLiveOrder.ts';

const pageSize = 100;
/** Milliseconds between two looks. */
const pause = 4_000;

const pageOf = (data: ExperimentRunsQuery) => data.experiment?.runs;

/** Every run, the queued and the failed ones too, newest first. */
export function RunsTab({ experiment }: { readonly experiment: ExperimentHead }) {
  const [view, change] = useBoardView();
  const variables = {
    id: experiment.id,
    filter: view.filter || null,
    orderBy: orderOf(view.sorting),
    ...neededFor(view.columns),
    first: pageSize,
  };
  const pages = useApiPages(ExperimentRunsDocument, variables, pageOf, { every: pause });
  const newest = useMemo(() => pages.rows.map(runRow), [pages.rows]);
  const { rows, waiting, holding } = useLiveOrder(newest, keyOf, pages.outdated ? null : JSON.stringify(variables));
  const columns = useMemo(() => [nameColumn, ...chosenColumns(view.columns)], [view.columns]);
  const queryClient = useQueryClient();
  const total = pages.first?.experiment?.runs.totalCount;
  const filterProblem = problemOn('filter', pages.error);
  return (
    <Stack>
      <BoardTools experimentId={experiment.id} view={view} change={change} problem={filterProblem} />
      {pages.error && !filterProblem && <Failure error={pages.error} onRetry={pages.refetch} />}
      {!pages.first && !pages.error && <Skeleton height="30rem" />}
      {pages.first && rows.length === 0 && !pages.error && <NoRuns experiment={experiment} filter={view.filter} />}
      {rows.length > 0 && (
        <div>
          <p className={styles.line}>
            <span>
              {count(total)} {total === 1 ? 'run' : 'runs'}
            </span>
            <ListState outdated={pages.outdated} refused={filterProblem !== undefined} waiting={waiting} />
          </p>
          <div {...holding}>
            <RunTable
              label="Runs"
              experimentId={experiment.id}
              rows={rows}
              columns={columns}
              total={total}
              sorting={view.sorting}
              onSort={(sorting) => change({ sorting })}
              onNearEnd={pages.loadMore}
              onChanged={() => void queryClient.invalidateQueries()}
            />
          </div>
        </div>
      )}
    </Stack>
  );
}

function NoRuns({ experiment, filter }: { readonly experiment: ExperimentHead; readonly filter: string }) {
  if (filter) {
    return (
      <Empty title="No run matches">
        <p>None of the {count(experiment.runCount)} runs fits the filter.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No runs yet">
      <p>Every run stands here from the moment it is queued, with its status.</p>
      {experiment.dataset && (
        <ForWriters>
          <ButtonLink look="primary" to={routes.start(experiment.id)}>
            Start a run
          </ButtonLink>
        </ForWriters>
      )}
    </Empty>
  );
}

const orderFields: Readonly<Record<string, RunOrderField>> = {
  name: 'NAME',
  created: 'CREATED_AT',
  memory: 'PEAK_MEMORY',
  throughput: 'IMAGES_PER_SECOND',
};

function orderOf(sorting: Sorting | undefined): RunOrderInput | null {
  const field = sorting && orderFields[sorting.key];
  return field ? { field, direction: sorting.direction } : null;
}
