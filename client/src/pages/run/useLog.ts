import { useCallback, useEffect, useRef, useState } from 'react';
import { useSubscription } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import { RunLogDocument, RunLogEventsDocument } from '../../generated/operations.ts';
import { addLines, type LogEntry } from './logLines.ts';

const pageSize = 1000;

export interface Log {
  readonly lines: readonly LogEntry[];
  readonly loading: boolean;
  readonly error: Error | null;
  readonly reload: () => void;
}

/** The log of a run: what there is, page by page, and more whenever the server says that there is. */
export function useLog(runId: string, live: boolean): Log {
  const [lines, setLines] = useState<readonly LogEntry[]>([]);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<Error | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const last = useRef(0);
  const after = useRef<string | null>(null);
  const reading = useRef<AbortController | null>(null);
  const wanted = useRef(false);

  const load = useCallback(async () => {
    // One reader at a time: it looks again before it ends.
    wanted.current = true;
    if (reading.current) return;
    const controller = new AbortController();
    reading.current = controller;
    try {
      while (wanted.current) {
        wanted.current = false;
        let more = true;
        while (more) {
          const variables = { id: runId, afterSeq: last.current, first: pageSize };
          const { run } = await request(RunLogDocument, variables, controller.signal);
          if (!run) return;
          const { nodes, hasNextPage } = run.logs;
          last.current = nodes.at(-1)?.seq ?? last.current;
          setLines((before) => addLines(before, nodes));
          after.current ??= run.eventCursor;
          setCursor(after.current);
          more = hasNextPage;
        }
      }
      setError(null);
    } catch (problem) {
      if (!controller.signal.aborted) setError(problem as Error);
    } finally {
      if (reading.current === controller) {
        reading.current = null;
        setLoading(false);
      }
    }
  }, [runId]);

  useEffect(() => {
    void load();
    return () => {
      reading.current?.abort();
      reading.current = null;
    };
  }, [load]);

  useSubscription(
    RunLogEventsDocument,
    () => ({ runId, after: after.current }),
    ({ runEvents: { cursor: next, events } }) => {
      after.current = next;
      if (events.length) void load();
    },
    { key: runId, enabled: live && cursor !== null },
  );
  return { lines, loading, error, reload: () => void load() };
}
