import { useEffect, useMemo, useRef, useState } from 'react';
import { useSubscription } from '../../api/hooks.ts';
import { type Pages, useApiPages } from '../../api/pages.ts';
import {
  LeaderboardDocument,
  type LeaderboardOrderField,
  type LeaderboardOrderInput,
  type LeaderboardQuery,
  type LeaderboardQueryVariables,
  LeaderboardUpdatesDocument,
} from '../../generated/operations.ts';
import type { Sorting } from '../../ui/DataTable.tsx';
import { neededFor } from './columnKeys.ts';
import { type Moves, rankMoves, withNewHead } from './moves.ts';
import { keyOf, type LeaderboardEdge, type RankedRow, rankedRow } from './rows.ts';
import type { BoardView } from './useBoardView.ts';

/** Rows of a page, and those that are watched live. */
const pageSize = 200;
/** Milliseconds for which a row tells that it has moved. */
const markedFor = 12_000;
/** Milliseconds between two looks at what has been loaded, for each page of it, while the experiment changes. */
const refreshPause = 5_000;

export interface Leaderboard {
  readonly rows: readonly RankedRow[];
  /** Of the whole list. */
  readonly total: number | undefined;
  readonly moves: Moves;
  readonly pages: Pages<LeaderboardQuery, LeaderboardEdge>;
  /** Another word for other arguments; null while the rows are still those of the arguments before. */
  readonly list: string | null;
  /** Reads everything anew: what was written here may be none of the things that are told. */
  readonly again: () => void;
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
    orderBy: orderOf(view.sorting),
    ...neededFor(view.columns),
    first: pageSize,
  };
  const list = JSON.stringify(variables);
  const pages = useApiPages(LeaderboardDocument, variables, pageOf);
  const { refetch } = pages;
  const [live, setLive] = useState<Live>();
  const [version, setVersion] = useState(0);
  const changed = useRef(false);
  const overtaken = useRef(false);
  // A first page that was read later knows more: of runs that have been deleted nobody tells.
  const current = live?.list === list && live.over === pages.first && !pages.outdated ? live : undefined;
  const loaded = useMemo(() => pages.rows.map(rankedRow), [pages.rows]);
  const rows = useMemo(() => (current ? withNewHead(loaded, keyOf, current.head) : loaded), [current, loaded]);
  const shown = useRef(rows);
  shown.current = rows;

  useSubscription(
    LeaderboardUpdatesDocument,
    () => variables,
    ({ leaderboardUpdates: { edges, totalCount: total } }) => {
      const before = shown.current.map(keyOf);
      const head = edges.map(rankedRow);
      setLive((last) => ({ list, over: pages.first, head, total, before: last?.list === list ? last.before : before }));
      changed.current = true;
      overtaken.current = pages.fetching;
    },
    { key: `${version} ${list}`, enabled: pages.first !== undefined && !pages.outdated },
  );

  // What was told while that page was on its way may be newer than it: a new subscription begins with a later look at both.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when another first page has come
  useEffect(() => {
    if (overtaken.current) setVersion((last) => last + 1);
    overtaken.current = false;
  }, [pages.first]);

  const moves = useMemo(() => (current ? movesOf(current, rows) : none), [current, rows]);
  const hasMoves = moves.size > 0;
  useEffect(() => {
    if (!hasMoves) return;
    const forget = () => setLive((last) => last && { ...last, before: shown.current.map(keyOf) });
    const timer = setTimeout(forget, markedFor);
    return () => clearTimeout(timer);
  }, [hasMoves]);

  const pageCount = Math.ceil(pages.rows.length / pageSize);
  useEffect(() => {
    if (pageCount < 2) return;
    const timer = setInterval(() => {
      if (changed.current) refetch();
      changed.current = false;
    }, refreshPause * pageCount);
    return () => clearInterval(timer);
  }, [pageCount, refetch]);

  const total = current?.total ?? pages.first?.experiment?.leaderboard.totalCount;
  const again = () => {
    setVersion((last) => last + 1);
    refetch();
  };
  return { rows, total, moves, pages, list: pages.outdated ? null : list, again };
}

/** The first entries as they were told last. */
interface Live {
  readonly list: string;
  /** The first page that they take the place of. */
  readonly over: LeaderboardQuery | undefined;
  readonly head: readonly RankedRow[];
  readonly total: number;
  /** The keys as they stood when the last marks were forgotten: what moves are counted from. */
  readonly before: readonly string[];
}

/** Rows of later pages are not new because they have just been loaded. */
function movesOf({ before, head }: Live, rows: readonly RankedRow[]): Moves {
  const first = new Set(head.map(keyOf));
  const moves = rankMoves(before, rows.map(keyOf));
  return new Map([...moves].filter(([key, move]) => move !== 'new' || first.has(key)));
}

const orderFields: Readonly<Record<string, LeaderboardOrderField>> = {
  score: 'SCORE',
  final: 'PREDICTION_VALUE',
  name: 'NAME',
  seconds: 'TRAIN_SECONDS',
  memory: 'PEAK_MEMORY',
  throughput: 'IMAGES_PER_SECOND',
  created: 'CREATED_AT',
};

function orderOf(sorting: Sorting | undefined): LeaderboardOrderInput | null {
  const field = sorting && orderFields[sorting.key];
  return field ? { field, direction: sorting.direction } : null;
}
