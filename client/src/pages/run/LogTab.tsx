import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useMemo, useRef, useState } from 'react';
import { count } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Checkbox, TextField } from '../../ui/Field.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Log.module.css';
import { findLines, type LogEntry, linesKept, markMatches } from './logLines.ts';
import { isOver, type RunState } from './runState.ts';
import { useLog } from './useLog.ts';

/** Pixels. */
const lineHeight = 20;

/** What the trainer printed and reported, live, with a search. */
export function LogTab({ state: { facts } }: { readonly state: RunState }) {
  const over = isOver(facts.status);
  const { lines, loading, error, reload } = useLog(facts.id, !over);
  const [get, set] = useSearch();
  const text = get('search') ?? '';
  const found = useMemo(() => findLines(lines, text), [lines, text]);
  const [follow, setFollow] = useState(true);
  if (error && lines.length === 0) return <Failure error={error} onRetry={reload} />;
  if (loading && lines.length === 0) return <Skeleton height="60vh" />;
  if (lines.length === 0) {
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
            {text ? `${count(found.length)} of ${count(lines.length)} lines` : `${count(lines.length)} lines`}
          </span>
          <Button small onClick={() => saveLog(facts.id, lines)}>
            Download
          </Button>
        </div>
        {lines.length === linesKept && <p className={styles.count}>The newest {count(linesKept)} lines.</p>}
        <Lines lines={found} text={text} follow={follow} onFollow={setFollow} />
      </Stack>
    </Panel>
  );
}

function Lines({
  lines,
  text,
  follow,
  onFollow,
}: {
  readonly lines: readonly LogEntry[];
  readonly text: string;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  });
  const last = lines.at(-1)?.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line is what it follows
  useEffect(() => {
    if (follow && frame.current) frame.current.scrollTop = frame.current.scrollHeight;
  }, [follow, last]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = frame.current!;
    const atEnd = scrollHeight - scrollTop - clientHeight < 2 * lineHeight;
    if (atEnd !== follow) onFollow(atEnd);
  };
  const digits = String(last ?? 0).length;
  return (
    <div
      ref={frame}
      className={styles.frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Log"
      onScroll={onScroll}
    >
      <div className={styles.lines} style={{ height: virtualizer.getTotalSize(), '--digits': digits } as CSSProperties}>
        {virtualizer.getVirtualItems().map(({ index, start }) => (
          <Line key={lines[index]!.seq} entry={lines[index]!} text={text} top={start} />
        ))}
      </div>
    </div>
  );
}

const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

function Line({
  entry: { seq, at, stream, line },
  text,
  top,
}: {
  readonly entry: LogEntry;
  readonly text: string;
  readonly top: number;
}) {
  return (
    <div className={classes(styles.line, styles[stream])} style={{ transform: `translateY(${top}px)` }}>
      <span className={styles.number}>{seq}</span>
      <time className={styles.time} dateTime={at}>
        {time.format(new Date(at))}
      </time>
      <span className={styles.stream}>{stream}</span>
      <bdi className={styles.text}>
        {markMatches(line, text).map((part, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of a line are told apart by their place
          part.hit ? <mark key={index}>{part.text}</mark> : <span key={index}>{part.text}</span>,
        )}
      </bdi>
    </div>
  );
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
