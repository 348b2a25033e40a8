import { useEffect, useRef } from 'react';
import { useApiQuery, useSubscription } from '../../api/hooks.ts';
import { useApiPages } from '../../api/pages.ts';
import { useAgain } from '../../api/useAgain.ts';
import {
  SweepEventsDocument,
  SweepPageDocument,
  type SweepPageQuery,
  SweepRunsDocument,
  type SweepRunsQuery,
} from '../../generated/operations.ts';

export type Sweep = Extract<NonNullable<SweepPageQuery['node']>, { readonly name: string }>;

/** A sweep and all its runs, asked for again as they report. `sweep`: null when there is none, undefined before it is known. */
export function useSweep(id: string) {
  const page = useApiQuery(SweepPageDocument, { id });
  const node = page.data?.node;
  const sweep = node === undefined ? undefined : node && 'name' in node ? (node as Sweep) : null;
  const runs = useApiPages(
    SweepRunsDocument,
    { id, metrics: sweep ? [sweep.experiment.objective.metric] : [], first: 100 },
    runsOf,
    { enabled: Boolean(sweep) },
  );
  // A sweep has 200 runs at most.
  useEffect(() => {
    if (runs.hasMore) runs.loadMore();
  }, [runs.hasMore, runs.loadMore]);

  const again = useAgain('SweepPage', 'SweepRuns');
  const own = useRef<ReadonlySet<string>>(new Set());
  own.current = new Set(runs.rows.map((run) => run.id));
  const cursor = useRef<string | null>(null);
  const underWay = sweep ? ['QUEUED', 'RUNNING', 'CANCELING'].includes(sweep.status) : false;
  useSubscription(
    SweepEventsDocument,
    () => ({
      experimentId: sweep?.experiment.id ?? '',
      after: cursor.current ?? sweep?.experiment.eventCursor ?? null,
    }),
    ({ experimentEvents: batch }) => {
      cursor.current = batch.cursor;
      if (batch.events.some(({ runId }) => own.current.has(runId))) again();
    },
    { key: id, enabled: underWay },
  );
  return { sweep, runs, underWay, error: page.error ?? runs.error, refetch: () => void page.refetch(), again };
}

function runsOf({ node }: SweepRunsQuery) {
  return node && 'runs' in node ? node.runs : null;
}
