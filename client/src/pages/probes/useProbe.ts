import { useRef } from 'react';
import { useApiQuery, useSubscription } from '../../api/hooks.ts';
import { useAgain } from '../../api/useAgain.ts';
import { ProbeEventsDocument, ProbePageDocument, type ProbePageQuery } from '../../generated/operations.ts';

export type Probe = Extract<NonNullable<ProbePageQuery['node']>, { readonly budget: number }>;

/** A memory probe, asked for again whenever something has happened to it. `probe`: null when there is none, undefined before it is known. */
export function useProbe(id: string) {
  const { data, error } = useApiQuery(ProbePageDocument, { id });
  const again = useAgain('ProbePage');
  const node = data?.node;
  const probe = node === undefined ? undefined : node && 'budget' in node ? (node as Probe) : null;
  const underWay = probe ? ['QUEUED', 'RUNNING', 'CANCELING'].includes(probe.status) : false;
  const cursor = useRef<string | null>(null);
  useSubscription(
    ProbeEventsDocument,
    () => ({ runId: probe?.run.id ?? '', after: cursor.current ?? probe?.run.eventCursor ?? null }),
    ({ runEvents: batch }) => {
      cursor.current = batch.cursor;
      if (batch.events.length) again();
    },
    { key: id, enabled: underWay, onEnd: again },
  );
  return { probe, underWay, error, again };
}
