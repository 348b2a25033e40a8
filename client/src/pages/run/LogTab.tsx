import { useEffect, useState } from 'react';
import { count } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox, TextField } from '../../ui/Field.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Log.module.css';
import { LogLines } from './LogLines.tsx';
import { type LogEntry, linesKept } from './logLines.ts';
import { isOver, type RunState } from './runState.ts';
import { useLog } from './useLog.ts';

/** Milliseconds without a further letter before the server is asked. */
const typingPause = 250;

/** What the trainer printed and reported, live, with a search. */
export function LogTab({ state: { facts } }: { readonly state: RunState }) {
  const [get, set] = useSearch();
  const text = get('search') ?? '';
  const search = useSettled(text);
  const [follow, setFollow] = useState(true);
  const { read, error, loadOlder, reload } = useLog(facts.id, search, {
    live: !isOver(facts.status),
    attempts: facts.attempts.length,
  });
  if (read?.lastSeq === 0) {
    return (
      <Empty title={facts.prunedAt ? 'The log was removed by age' : 'Nothing has been printed'}>
        <p>What the trainer reports, and what libraries print, is told here line by line.</p>
      </Empty>
    );
  }
  return (
    <Panel>
      <Stack>
        <div className={styles.bar}>
          <TextField
            label="Search in the log"
            hideLabel
            placeholder="Search in the log"
            type="search"
            value={text}
            onChange={({ target }) => set({ search: target.value || null })}
          />
          <Checkbox label="Follow" checked={follow} onChange={({ target }) => setFollow(target.checked)} />
          <span className={styles.count} role="status">
            {read && `${count(read.lines.length)} of ${count(read.lastSeq)} lines`}
          </span>
          <Button small disabled={!read} onClick={() => read && saveLog(facts.id, read.lines)}>
            Download
          </Button>
        </div>
        {error && !read && <Failure error={error} onRetry={reload} />}
        {!error && !read && <Skeleton height="60vh" />}
        {read && read.lines.length === 0 && <Empty title="No line has this text" />}
        {read && read.lines.length > 0 && (
          <LogLines
            key={search}
            lines={read.lines}
            text={search}
            follow={follow}
            onFollow={setFollow}
            onNearStart={loadOlder}
          />
        )}
        {read && read.lines.length >= linesKept && (
          <p className={styles.count}>No more than {count(linesKept)} lines are shown; a search finds the others.</p>
        )}
      </Stack>
    </Panel>
  );
}

/** A text once nobody has changed it for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), typingPause);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** Has the browser save the lines that are here. */
function saveLog(runId: string, lines: readonly LogEntry[]): void {
  const text = lines.map(({ at, stream, line }) => `${at} ${stream} ${line}\n`).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${runId}.log`;
  link.click();
  URL.revokeObjectURL(url);
}
