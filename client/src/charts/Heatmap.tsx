import { type KeyboardEvent, type MouseEvent, useCallback, useId, useMemo, useRef, useState } from 'react';
import { classes } from '../ui/classes.ts';
import styles from './Heatmap.module.css';
import { layOutHeatmap } from './heatmapLayout.ts';
import { type HeatmapCell, paintHeatmap } from './paintHeatmap.ts';
import { Tooltip } from './Tooltip.tsx';
import { useCanvas, useWidth } from './useCanvas.ts';

export interface HeatmapProps {
  readonly label: string;
  /** What rows and columns are, e.g. `True class` and `Predicted`. */
  readonly rowAxis: string;
  readonly columnAxis: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Keep it the same while the values are: it is painted again with a new one. */
  readonly cell: (row: number, column: number) => HeatmapCell;
  /** A cell was clicked, or Enter pressed on it. */
  readonly onPick?: (row: number, column: number) => void;
}

interface Position {
  readonly row: number;
  readonly column: number;
}

/** A matrix as shades, up to some hundred rows and columns. By keyboard: the arrow keys go from cell to cell; screen readers say each. */
export function Heatmap({ label, rowAxis, columnAxis, rows, columns, cell, onPick }: HeatmapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const id = useId();
  const [position, setActive] = useState<Position | null>(null);
  // The matrix may have become smaller since.
  const active = position && position.row < rows.length && position.column < columns.length ? position : null;
  const layout = useMemo(() => layOutHeatmap(rows, columns, width), [rows, columns, width]);
  useCanvas(
    canvas,
    width === 0 ? { width: 0, height: 0 } : layout,
    useCallback((context) => paintHeatmap(context, layout, rows, columns, cell), [layout, rows, columns, cell]),
  );

  const find = (event: MouseEvent): Position | null => {
    const box = plot.current!.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - layout.left) / layout.cell);
    const row = Math.floor((event.clientY - box.top - layout.top) / layout.cell);
    return rows[row] !== undefined && columns[column] !== undefined ? { row, column } : null;
  };
  const pick = (position: Position | null) => position && onPick?.(position.row, position.column);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = move(event.key, active, rows.length, columns.length);
    if (next) {
      setActive(next);
      reveal(frame.current!, layout.left + next.column * layout.cell, layout.cell);
    } else if (event.key === 'Enter' || event.key === ' ') pick(active);
    else if (event.key === 'Escape') setActive(null);
    else return;
    event.preventDefault();
  };
  const said = active ?? { row: 0, column: 0 };
  const sentence = ({ row, column }: Position) =>
    `${rowAxis} ${rows[row]}, ${columnAxis} ${columns[column]}: ${cell(row, column).text || '0'}`;
  const box = active && {
    left: layout.left + active.column * layout.cell,
    top: layout.top + active.row * layout.cell,
    width: layout.cell,
    height: layout.cell,
  };

  return (
    <figure className={styles.figure}>
      <div className={styles.axes} aria-hidden="true">
        <span>{rowAxis} ↓</span>
        <span>{columnAxis} →</span>
      </div>
      <div ref={frame} className={styles.frame}>
        <div
          ref={plot}
          className={classes(styles.plot, active && onPick && styles.over)}
          style={{ width: layout.width, height: layout.height }}
          role="grid"
          aria-label={label}
          aria-rowcount={rows.length}
          aria-colcount={columns.length}
          aria-activedescendant={active ? `${id}-active` : undefined}
          tabIndex={0}
          onPointerMove={(event) => setActive(find(event))}
          onPointerLeave={() => setActive(null)}
          onClick={(event) => pick(find(event))}
          onKeyDown={onKeyDown}
        >
          <canvas ref={canvas} />
          {rows.length > 0 && columns.length > 0 && (
            <div className="visually-hidden" role="row" aria-rowindex={said.row + 1} tabIndex={-1}>
              <span id={`${id}-active`} role="gridcell" aria-colindex={said.column + 1} tabIndex={-1}>
                {sentence(said)}
              </span>
            </div>
          )}
          {active && box && (
            <>
              <span className={styles.cell} style={box} />
              <Tooltip x={box.left + layout.cell / 2} y={box.top} width={layout.width} height={layout.height}>
                {rowAxis} <bdi>{rows[active.row]}</bdi>
                <br />
                {columnAxis} <bdi>{columns[active.column]}</bdi>
                <br />
                <strong>{cell(active.row, active.column).text || '0'}</strong>
              </Tooltip>
            </>
          )}
        </div>
      </div>
    </figure>
  );
}

/** The cell that a key leads to; null for other keys. */
function move(key: string, from: Position | null, rows: number, columns: number): Position | null {
  const steps: Readonly<Record<string, readonly [down: number, right: number]>> = {
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    Home: [0, -columns],
    End: [0, columns],
    PageUp: [-rows, 0],
    PageDown: [rows, 0],
  };
  const step = steps[key];
  if (!step || rows === 0 || columns === 0) return null;
  if (!from) return { row: 0, column: 0 };
  const within = (value: number, count: number) => Math.max(0, Math.min(value, count - 1));
  return { row: within(from.row + step[0], rows), column: within(from.column + step[1], columns) };
}

/** Scrolls sideways until a stretch is in sight. */
function reveal(frame: HTMLElement, left: number, width: number): void {
  if (left < frame.scrollLeft) frame.scrollLeft = left;
  else if (left + width > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = left + width - frame.clientWidth;
}
