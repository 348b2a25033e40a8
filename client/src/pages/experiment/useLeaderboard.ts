import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSubscription } from '../../api/hooks.ts';
import { type Pages, useApiPages } from '../../api/pages.ts';
import {
  LeaderboardDocument,
  type LeaderboardQuery,
  type LeaderboardQueryVariables,
  LeaderboardUpdatesDocument,
} from '../../generated/operations.ts';
import { type Moves, rankMoves, withNewHead } from './moves.ts';
import { keyOf, type LeaderboardEdge, type RankedRow, rankedRow } from './rows.ts';
import type { BoardView } from './useBoardView.ts';

/** Rows of a page, and those that are watched live. */
const pageSize = 100;
/** Milliseconds for which a row tells that it has moved. */
const markedFor = 12_000;
/** Milliseconds between two looks at the pages after the first, while the experiment changes. */
const refreshPause = 15_000;

export interface Leaderboard {
  readonly rows: readonly RankedRow[];
  readonly moves: Moves;
  readonly pages: Pages<LeaderboardQuery, LeaderboardEdge>;
  /** Of the list asked for: other arguments, another word. */
  readonly list: string;
}

const pageOf = (data: LeaderboardQuery) => {
  const board = data.experiment?.leaderboard;
  return board && { nodes: board.edges, pageInfo: board.pageInfo };
};
const none: Moves = new Map();

/** The leaderboard as far as it has been loaded; its first page is followed live. */
export function useLeaderboard(experimentId: string, view: BoardView): Leaderboard {
  const variables: Omit<LeaderboardQueryVariables, 'after'> = {
    id: experimentId,
    metric: view.metric,
    split: view.split,
    filter: view.filter || null,
    includeEnsembles: view.ensembles,
    withConfig: view.columns.some(({ kind }) => kind === 'config'),
    withMetrics: view.columns.some(({ kind }) => kind === 'metric'),
    first: pageSize,
  };
  const list = JSON.stringify(variables);
  const pages = useApiPages(LeaderboardDocument, variables, pageOf);
  const { refetch } = pages;
  const [live, setLive] = useState<{
    readonly list: string;
    readonly head: readonly RankedRow[];
    readonly moves: Moves;
  }>();
  const changed = useRef(false);

  const onData = useCallback(
    (edges: readonly LeaderboardEdge[]) => {
      const head = edges.map(rankedRow);
      setLive((before) => {
        const moves = before?.list === list ? rankMoves(before.head.map(keyOf), head.map(keyOf)) : none;
        return { list, head, moves };
      });
      changed.current = true;
    },
    [list],
  );
  useSubscription(
    LeaderboardUpdatesDocument,
    () => variables,
    (data) => onData(data.leaderboardUpdates.edges),
    {
      key: list,
      enabled: pages.first !== undefined && pages.error === null,
    },
  );
  useEffect(() => {
    if (!live?.moves.size) return;
    const timer = setTimeout(() => setLive({ ...live, moves: none }), markedFor);
    return () => clearTimeout(timer);
  }, [live]);

  const hasTail = pages.rows.length > pageSize;
  useEffect(() => {
    if (!hasTail) return;
    const timer = setInterval(() => {
      if (changed.current) refetch();
      changed.current = false;
    }, refreshPause);
    return () => clearInterval(timer);
  }, [hasTail, refetch]);

  const loaded = useMemo(() => pages.rows.map(rankedRow), [pages.rows]);
  const current = live?.list === list && pages.first !== undefined && !pages.outdated ? live : undefined;
  const rows = useMemo(() => (current ? withNewHead(loaded, keyOf, current.head) : loaded), [current, loaded]);
  return { rows, moves: current?.moves ?? none, pages, list };
}
