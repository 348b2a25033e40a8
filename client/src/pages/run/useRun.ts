import { useCallback, useMemo, useRef, useState } from 'react';
import { useApiQuery, useSubscription } from '../../api/hooks.ts';
import { RunPageDocument, RunPageEventsDocument } from '../../generated/operations.ts';
import { applyEvents, asksForSnapshot, fromSnapshot, isOver, type RunState } from './runState.ts';

/** Points of each series, and of memory, that a snapshot brings. */
const maxPoints = 800;
const maxMemoryPoints = 500;

export interface RunView {
  /** Null: there is no such run; undefined: not known yet. */
  readonly state: RunState | null | undefined;
  readonly error: Error | null;
  readonly reload: () => void;
}

/**
 * A run, live: a snapshot, then its events from the snapshot's cursor on. Whenever the status changes a new snapshot is taken, from which
 * it goes on in the same way; nothing is missed, and what comes twice changes nothing.
 */
export function useRun(id: string): RunView {
  const { data, error, refetch } = useApiQuery(RunPageDocument, { id, maxPoints, maxMemoryPoints });
  const snapshot = data?.run;
  const base = useMemo(() => snapshot && fromSnapshot(snapshot), [snapshot]);
  const [live, setLive] = useState<{ readonly base: RunState; readonly state: RunState } | null>(null);
  const state = live && live.base === base ? live.state : base;
  const reload = useCallback(() => void refetch(), [refetch]);
  const cursor = useRef('');
  cursor.current = state?.cursor ?? '';

  useSubscription(
    RunPageEventsDocument,
    () => ({ runId: id, after: cursor.current }),
    ({ runEvents: { events, cursor: after } }) => {
      if (!base) return;
      setLive((before) => ({ base, state: applyEvents(before?.base === base ? before.state : base, events, after) }));
      if (asksForSnapshot(events)) reload();
    },
    {
      key: `${id} ${base?.cursor}`,
      enabled: base !== undefined && base !== null && !isOver(base.facts.status),
      onEnd: reload,
    },
  );
  return { state, error, reload };
}
