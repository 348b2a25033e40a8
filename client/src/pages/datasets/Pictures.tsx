import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { Name } from '../../ui/Name.tsx';
import styles from './Gallery.module.css';
import { columnsIn, gap, moveTo } from './galleryGrid.ts';
import { Thumbnail } from './Thumbnail.tsx';

export interface Picture {
  readonly id: string;
  readonly imageId: string;
  readonly label: string | null;
  readonly width: number;
  readonly height: number;
  readonly thumbnailUrl: string;
}

/** Pixels: of a cell at the least, and of its caption. */
const cellWidth = 132;
const captionHeight = 58;

/** Thumbnails in rows, of which only those in sight are there. One of them can be reached by Tab, the others from it by arrow keys. */
export function Pictures({
  samples,
  total,
  showLabels,
  onOpen,
  onNearEnd,
  onMissing,
}: {
  readonly samples: readonly Picture[];
  /** In all, where that is known. */
  readonly total: number | undefined;
  readonly showLabels: boolean;
  readonly onOpen: (id: string) => void;
  readonly onNearEnd: () => void;
  /** A picture, by its URL, could not be loaded. */
  readonly onMissing: (url: string) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [current, setCurrent] = useState(0);
  const [focused, setFocused] = useState(false);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const columns = columnsIn(width, cellWidth);
  const side = (width - gap * (columns - 1)) / columns;
  const rows = Math.ceil(samples.length / columns);
  const virtualizer = useVirtualizer({
    count: width === 0 ? 0 : rows,
    getScrollElement: () => frame.current,
    estimateSize: () => side + captionHeight + gap,
    overscan: 3,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when they have another height
  useEffect(() => virtualizer.measure(), [side]);
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (width > 0 && last >= rows - 4) onNearEnd();
  }, [width, last, rows, onNearEnd]);

  useEffect(() => {
    if (!focused) return;
    virtualizer.scrollToIndex(Math.floor(current / columns));
    // The row may only be there after the scrolling.
    const timer = requestAnimationFrame(() => {
      frame.current?.querySelector<HTMLElement>(`[data-place="${current}"]`)?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(timer);
  }, [current, focused, columns, virtualizer]);

  const press = (event: KeyboardEvent) => {
    const to = moveTo(event.key, current, samples.length, columns);
    if (to === null) return;
    event.preventDefault();
    setFocused(true);
    setCurrent(to);
  };

  return (
    <div ref={frame} className={styles.frame}>
      <ul
        className={styles.pictures}
        aria-label="Images"
        style={{ height: virtualizer.getTotalSize() }}
        onKeyDown={press}
      >
        {items.flatMap(({ index: row, start }) =>
          samples.slice(row * columns, (row + 1) * columns).map((sample, column) => {
            const place = row * columns + column;
            const style: CSSProperties = {
              width: side,
              transform: `translate(${column * (side + gap)}px, ${start}px)`,
            };
            return (
              <li
                key={sample.id}
                className={styles.cell}
                style={style}
                aria-setsize={total ?? -1}
                aria-posinset={place + 1}
              >
                <button
                  type="button"
                  className={styles.picture}
                  data-place={place}
                  tabIndex={place === current ? 0 : -1}
                  onFocus={() => setCurrent(place)}
                  onBlur={() => setFocused(false)}
                  onClick={() => onOpen(sample.id)}
                >
                  <span className={styles.mat} style={{ height: side }}>
                    <Thumbnail url={sample.thumbnailUrl} onMissing={onMissing} />
                  </span>
                  <span className={styles.caption}>
                    <Name>{sample.imageId}</Name>
                    <span className={styles.about}>
                      {sample.width} × {sample.height}
                    </span>
                    {showLabels && sample.label !== null && (
                      <span className={styles.about}>
                        <Name>{sample.label}</Name>
                      </span>
                    )}
                  </span>
                </button>
              </li>
            );
          }),
        )}
      </ul>
    </div>
  );
}
