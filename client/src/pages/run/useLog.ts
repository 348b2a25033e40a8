import { useCallback, useEffect, useRef, useState } from 'react';
import { connection } from '../../api/connection.ts';
import { useSubscription } from '../../api/hooks.ts';
import { noteOperation } from '../../api/operations.ts';
import { request } from '../../api/request.ts';
import { RunLogDocument, RunLogEventsDocument, type RunLogEventsSubscription } from '../../generated/operations.ts';
import { addLines, findLines, type LogEntry, linesKept } from './logLines.ts';

const pageSize = 1000;

interface Read {
  /** Those that match what is looked for. */
  readonly lines: readonly LogEntry[];
  readonly hasOlder: boolean;
  /** Number of the newest line, matching or not. */
  readonly lastSeq: number;
}

export interface Log {
  /** Null: on its way. */
  readonly read: Read | null;
  readonly error: Error | null;
  readonly loadOlder: () => void;
  readonly reload: () => void;
}

/**
 * The end of a run's log, what is added to it while one looks, and what was before, page by page.
 * @param search part of a line, in any case; empty: all lines
 * @param live whether the run is under way: once it is, lines are taken until the server says that there are no more
 * @param attempts how many there have been: after a further one there are
 */
export function useLog(
  runId: string,
  search: string,
  { live, attempts }: { readonly live: boolean; readonly attempts: number },
): Log {
  const [state, setState] = useState<{ readonly search: string; readonly read: Read } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [tries, setTries] = useState(0);
  const cursor = useRef<string | null>(null);
  const listens = useRef(false);
  listens.current ||= live;
  const reading = useRef<AbortController | null>(null);
  const read = state?.search === search ? state.read : null;

  const load = useCallback(
    async (beforeSeq: number | null) => {
      reading.current?.abort();
      const controller = new AbortController();
      reading.current = controller;
      const variables = { id: runId, beforeSeq, last: pageSize, search: search || null };
      try {
        const { run } = await request(RunLogDocument, variables, controller.signal);
        if (!run) return;
        const { nodes, hasPreviousPage, lastSeq } = run.logs;
        // Where the newest page was read, what happens next goes on.
        if (beforeSeq === null) cursor.current = run.eventCursor;
        setState((before) => {
          const known = beforeSeq !== null && before?.search === search ? before.read : null;
          const lines = addLines(known?.lines ?? [], nodes);
          const hasOlder = hasPreviousPage && lines.length < linesKept;
          return { search, read: { lines, hasOlder, lastSeq: Math.max(lastSeq, known?.lastSeq ?? 0) } };
        });
        setError(null);
      } catch (problem) {
        if (!controller.signal.aborted) setError(problem as Error);
      } finally {
        if (reading.current === controller) reading.current = null;
      }
    },
    [runId, search],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: another try reads again
  useEffect(() => {
    void load(null);
    const variables = { id: runId, last: pageSize, search: search || null };
    const forget = noteOperation({ document: RunLogDocument.toString(), variables });
    return () => {
      forget();
      reading.current?.abort();
    };
  }, [load, tries]);

  useSubscription(
    RunLogEventsDocument,
    () => ({ runId, after: cursor.current }),
    ({ runEvents: { cursor: after, events } }) => {
      cursor.current = after;
      const printed = events.flatMap(linesOf);
      if (!printed.length) return;
      setState((before) => {
        if (before?.search !== search) return before;
        const lines = addLines(before.read.lines, findLines(printed, search));
        return { search, read: { ...before.read, lines, lastSeq: Math.max(before.read.lastSeq, printed.at(-1)!.seq) } };
      });
    },
    { key: `${runId} ${search} ${tries} ${attempts}`, enabled: listens.current && read !== null },
  );

  const first = read?.lines[0]?.seq;
  const hasOlder = read?.hasOlder ?? false;
  const loadOlder = useCallback(() => {
    if (hasOlder && first !== undefined && !reading.current) void load(first);
  }, [hasOlder, first, load]);
  // Lines that come while the end is read again would be lost: nobody listens until it is there.
  const reload = useCallback(() => {
    setState(null);
    setTries((count) => count + 1);
  }, []);
  // What could not be read while the server was away is read when it is back.
  const failed = error !== null;
  useEffect(() => (failed ? connection.onReturn(reload) : undefined), [failed, reload]);
  return { read, error, loadOlder, reload };
}

function linesOf(event: RunLogEventsSubscription['runEvents']['events'][number]): LogEntry[] {
  if (event.__typename !== 'LogLine' || event.seq === null) return [];
  const { seq, at, stream, line } = event;
  return [{ seq, at, stream, line }];
}
