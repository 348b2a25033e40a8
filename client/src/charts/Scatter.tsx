import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { classes } from '../ui/classes.ts';
import { Name } from '../ui/Name.tsx';
import { markOf } from './marks.ts';
import { nearest } from './nearest.ts';
import { type PlacedPoint, paintScatter, type ScatterPicture } from './paintScatter.ts';
import styles from './Scatter.module.css';
import { scaleOf } from './scale.ts';
import { Tooltip } from './Tooltip.tsx';
import { useCanvas, useWidth } from './useCanvas.ts';

export interface ScatterPoint {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  /** What it is called, for screen readers. */
  readonly label: string;
  /** Told by colour and shape; one of `categories`. */
  readonly category: string;
}

export interface ScatterProps<Point extends ScatterPoint> {
  readonly label: string;
  /** Up to some ten thousand. */
  readonly points: readonly Point[];
  /** In the order of the legend, which is left out where there is only one. */
  readonly categories: readonly string[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly formatX?: (x: number) => string;
  readonly formatY?: (y: number) => string;
  /** Only positive values are shown then. */
  readonly logarithmicX?: boolean;
  readonly logarithmicY?: boolean;
  /** Whether x are bytes, of which round numbers are powers of two. */
  readonly binaryX?: boolean;
  /** Ids of the points with a ring. */
  readonly selected?: ReadonlySet<string>;
  /** The points that no other one betters, by increasing x: joined by a line in steps. */
  readonly front?: readonly { readonly x: number; readonly y: number }[];
  /** What stands beside the pointer. */
  readonly describe: (point: Point) => ReactNode;
  /** A point was clicked, or Enter pressed on it; `additive`: with Shift, Ctrl or Command held, or by the space bar. */
  readonly onPick?: (point: Point, options: { readonly additive: boolean }) => void;
  /** Pixels. */
  readonly height?: number;
}

const margin = { left: 60, right: 12, top: 10, bottom: 24 };
const none: ReadonlySet<string> = new Set();

/** Points in a plane. By keyboard: the arrow keys go from point to point in the order of x; screen readers say each. */
export function Scatter<Point extends ScatterPoint>(props: ScatterProps<Point>) {
  const { label, categories, xLabel, yLabel, describe, onPick, selected = none, height = 320 } = props;
  const { formatX = String, formatY = String } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const id = useId();
  const [activeId, setActiveId] = useState<string | null>(null);
  const picture = usePicture(props, width, height);
  const { points, placed } = picture;
  useCanvas(
    canvas,
    { width, height },
    useCallback(
      (context) => paintScatter(context, { ...picture.picture, selected, formatX, formatY }),
      [picture, selected, formatX, formatY],
    ),
  );

  const active = activeId === null ? -1 : points.findIndex((point) => point.id === activeId);
  const point = points[active];
  const place = placed[active];
  // A list box without an option would be none.
  const said = point ?? points[0];
  const find = (event: PointerEvent) => {
    const box = frame.current!.getBoundingClientRect();
    return nearest(placed, event.clientX - box.left, event.clientY - box.top, 14);
  };
  const pick = (index: number, additive: boolean) => {
    const picked = points[index];
    if (picked) onPick?.(picked, { additive });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = move(event.key, active, points.length);
    if (next !== null) setActiveId(points[next]?.id ?? null);
    else if (event.key === 'Enter') pick(active, event.shiftKey);
    else if (event.key === ' ') pick(active, true);
    else if (event.key === 'Escape') setActiveId(null);
    else return;
    event.preventDefault();
  };

  return (
    <figure className={styles.figure}>
      <div className={styles.legend}>
        {categories.length > 1 &&
          categories.map((category, index) => (
            <span key={category} className={styles.entry}>
              <svg className={styles.mark} viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true">
                <path d={markOf(index).shape} fill={markOf(index).colour} />
              </svg>
              <Name>{category}</Name>
            </span>
          ))}
      </div>
      <p className={styles.axis}>{yLabel}</p>
      <div
        ref={frame}
        className={classes(styles.plot, point && onPick && styles.over)}
        style={{ height }}
        role="listbox"
        aria-multiselectable
        aria-label={`${label}: ${yLabel} against ${xLabel}, ${points.length} points`}
        aria-activedescendant={point && `${id}-active`}
        tabIndex={0}
        onPointerMove={(event) => setActiveId(points[find(event)]?.id ?? null)}
        onPointerLeave={() => setActiveId(null)}
        onClick={(event) =>
          pick(find(event as unknown as PointerEvent), event.shiftKey || event.ctrlKey || event.metaKey)
        }
        onKeyDown={onKeyDown}
      >
        <canvas ref={canvas} />
        {said && (
          <span
            id={`${id}-active`}
            className="visually-hidden"
            role="option"
            tabIndex={-1}
            aria-selected={selected.has(said.id)}
            aria-posinset={Math.max(active, 0) + 1}
            aria-setsize={points.length}
          >
            {`${said.label}: ${yLabel} ${formatY(said.y)}, ${xLabel} ${formatX(said.x)}`}
          </span>
        )}
        {point && place && (
          <>
            <span className={styles.ring} style={{ left: place.x, top: place.y }} />
            <Tooltip x={place.x} y={place.y} width={width} height={height}>
              {describe(point)}
            </Tooltip>
          </>
        )}
      </div>
      <p className={classes(styles.axis, styles.x)}>{xLabel}</p>
    </figure>
  );
}

/** The points that can be shown, by increasing x, and where they are drawn. */
function usePicture<Point extends ScatterPoint>(props: ScatterProps<Point>, width: number, height: number) {
  const { points: all, categories, front, logarithmicX = false, logarithmicY = false, binaryX = false } = props;
  return useMemo(() => {
    const shown = (x: number, y: number) =>
      Number.isFinite(x) && Number.isFinite(y) && (!logarithmicX || x > 0) && (!logarithmicY || y > 0);
    const points = all.filter(({ x, y }) => shown(x, y)).sort((a, b) => a.x - b.x);
    const xs = scaleOf(
      points.map(({ x }) => x),
      {
        pixels: [margin.left, width - margin.right],
        logarithmic: logarithmicX,
        binary: binaryX,
        ticks: Math.max(2, width / 110),
      },
    );
    const ys = scaleOf(
      points.map(({ y }) => y),
      { pixels: [height - margin.bottom, margin.top], logarithmic: logarithmicY, ticks: Math.max(2, height / 60) },
    );
    const place = ({ x, y }: { readonly x: number; readonly y: number }) => ({ x: xs.at(x), y: ys.at(y) });
    const order = new Map(categories.map((category, index) => [category, index]));
    const placed: readonly PlacedPoint[] = points.map((point) => ({
      ...place(point),
      id: point.id,
      category: order.get(point.category) ?? 0,
    }));
    const line = (front ?? []).filter(({ x, y }) => shown(x, y)).map(place);
    const picture = { width, height, margin, xs, ys, points: placed, front: line };
    return { points, placed, picture } satisfies {
      readonly picture: Omit<ScatterPicture, 'selected' | 'formatX' | 'formatY'>;
      [key: string]: unknown;
    };
  }, [all, categories, front, logarithmicX, logarithmicY, binaryX, width, height]);
}

/** The index that a key leads to; null for other keys. */
function move(key: string, from: number, length: number): number | null {
  if (length === 0) return null;
  if (key === 'ArrowRight' || key === 'ArrowDown') return Math.min(from + 1, length - 1);
  if (key === 'ArrowLeft' || key === 'ArrowUp') return Math.max(from - 1, 0);
  if (key === 'Home') return 0;
  if (key === 'End') return length - 1;
  return null;
}
