import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useLayoutEffect, useRef } from 'react';
import { classes } from '../../ui/classes.ts';
import styles from './Log.module.css';
import { type LogEntry, markMatches } from './logLines.ts';

/** Pixels. */
const lineHeight = 20;

/** Lines of which only those in sight are there. While it follows, the end is in sight; what comes before the first line moves nothing. */
export function LogLines({
  lines,
  text,
  follow,
  onFollow,
  onNearStart,
}: {
  readonly lines: readonly LogEntry[];
  /** What is marked in them. */
  readonly text: string;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
  readonly onNearStart: () => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  });
  const first = lines[0]?.seq;
  const last = lines.at(-1)?.seq;
  const firstBefore = useRef(first);
  useLayoutEffect(() => {
    const added = lines.findIndex(({ seq }) => seq === firstBefore.current);
    firstBefore.current = first;
    if (added > 0) frame.current!.scrollTop += added * lineHeight;
  }, [first, lines]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line is what it follows
  useEffect(() => {
    if (follow) frame.current!.scrollTop = frame.current!.scrollHeight;
  }, [follow, last]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = frame.current!;
    const atEnd = scrollHeight - scrollTop - clientHeight < 2 * lineHeight;
    if (atEnd !== follow) onFollow(atEnd);
    if (scrollTop < 20 * lineHeight) onNearStart();
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
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const entry = lines[index];
          return entry && <Line key={entry.seq} entry={entry} text={text} top={start} />;
        })}
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
