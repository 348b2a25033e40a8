import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { count } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import type { Column, Sorting } from '../../ui/DataTable.tsx';
import { Checkbox } from '../../ui/Field.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { BoardTools } from './BoardTools.tsx';
import styles from './Experiment.module.css';
import type { ExperimentHead } from './head.ts';
import { LeaderboardEmpty } from './LeaderboardEmpty.tsx';
import { ListState } from './ListState.tsx';
import { MetricSelect } from './MetricSelect.tsx';
import type { Moves } from './moves.ts';
import { problemOn } from './problemOn.ts';
import { RankCell } from './RankCell.tsx';
import { RunTable } from './RunTable.tsx';
import { keyOf, type RankedRow } from './rows.ts';
import { chosenColumns, nameColumn } from './runColumns.tsx';
import { scoreColumns } from './scoreColumns.tsx';
import { scoreDirection } from './scoreDirection.ts';
import { hasTwoScores } from './twoScores.ts';
import { useBoardView } from './useBoardView.ts';
import { useLeaderboard } from './useLeaderboard.ts';
import { useLiveOrder } from './useLiveOrder.ts';

/** Runs and ensembles by their score, kept up to date. */
export function LeaderboardTab({ experiment }: { readonly experiment: ExperimentHead }) {
  const [view, change] = useBoardView();
  const { rows: newest, total, moves, pages, list, again } = useLeaderboard(experiment.id, view);
  const { rows, waiting, holding } = useLiveOrder(newest, keyOf, list);
  const queryClient = useQueryClient();
  const metric = view.metric ?? experiment.objective.metric;
  const hasTwo = hasTwoScores(view, experiment.objective.metric, (experiment.dataset?.holdoutCount ?? 0) > 0);
  const columns = useMemo<readonly Column<RankedRow>[]>(
    () => [rankColumn(moves), nameColumn, ...scoreColumns(metric, hasTwo), splitColumn, ...chosenColumns(view.columns)],
    [metric, hasTwo, moves, view.columns],
  );
  const byScore: Sorting = { key: 'score', direction: scoreDirection(metric, experiment.objective) };
  const { error } = pages;
  const filterProblem = problemOn('filter', error);
  const isRefused = filterProblem !== undefined;
  return (
    <Stack>
      <BoardTools experimentId={experiment.id} view={view} change={change} problem={filterProblem}>
        <MetricSelect experiment={experiment} view={view} change={change} />
        <span className={styles.unlabelled}>
          <Checkbox
            label="Ensembles"
            checked={view.ensembles}
            onChange={({ target }) => change({ ensembles: target.checked })}
          />
        </span>
      </BoardTools>
      {error && !isRefused && <Failure error={error} onRetry={pages.refetch} />}
      {!pages.first && !error && <Skeleton height="30rem" />}
      {pages.first && rows.length === 0 && !error && <LeaderboardEmpty experiment={experiment} view={view} />}
      {rows.length > 0 && (
        <div>
          <p className={styles.line}>
            <span>
              {count(total)} {total === 1 ? 'entry' : 'entries'} by {metric}
              {hasTwo && rows.some(({ run }) => !run) && '; ensembles rank by their final model'}
              {rows.some(({ comparable }) => !comparable) && (
                <span className={styles.warn}>; ≠ scored on other images, or labels, than the row above</span>
              )}
            </span>
            <ListState outdated={pages.outdated} refused={isRefused} waiting={waiting} />
          </p>
          <div {...holding}>
            <RunTable
              label="Leaderboard"
              experimentId={experiment.id}
              rows={rows}
              columns={columns}
              total={total}
              sorting={view.sorting ?? byScore}
              onSort={(sorting) => change({ sorting })}
              onNearEnd={pages.loadMore}
              onChanged={() => {
                again();
                void queryClient.invalidateQueries();
              }}
            />
          </div>
        </div>
      )}
    </Stack>
  );
}

function rankColumn(moves: Moves): Column<RankedRow> {
  return {
    key: 'rank',
    header: 'Rank',
    about: 'By score, in whatever order the table is',
    width: '4.5rem',
    align: 'right',
    cell: ({ key, rank }) => <RankCell rank={rank} move={moves.get(key)} />,
  };
}

const splitColumn: Column<RankedRow> = {
  key: 'split',
  header: 'Scored on',
  width: '7.5rem',
  cell: ({ split, comparable }) =>
    comparable ? (
      splitWords[split]
    ) : (
      <span
        className={styles.warn}
        title="Scored on other images, or other labels, than the row above: the order of the two says little"
      >
        <span aria-hidden="true">≠ </span>
        {splitWords[split]}
        <span className="visually-hidden">, other images</span>
      </span>
    ),
};
