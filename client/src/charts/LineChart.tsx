import 'uplot/dist/uPlot.min.css';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { Button } from '../ui/Button.tsx';
import { Name } from '../ui/Name.tsx';
import { alignSeries, nearestPlace, type Row } from './align.ts';
import { onLookChange, seriesColour } from './colours.ts';
import styles from './LineChart.module.css';
import { lineOptions } from './linePlot.ts';
import type { LineChartProps, Range } from './lineProps.ts';

/**
 * Series over a common axis. What is not finite is marked at the upper edge, so that a NaN is seen and not passed over. By keyboard:
 * the arrow keys go from point to point, screen readers say the values there.
 */
export function LineChart(props: LineChartProps) {
  const { series, xLabel, formatX = String, formatY = String, range = null, onRange, height = 240 } = props;
  const frame = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [place, setPlace] = useState<number | null>(null);
  const data = useMemo(() => alignSeries(series.map(({ points }) => points)), [series]);
  const latest = useRef({ props, data, hidden });
  latest.current = { props, data, hidden };
  // A plot is made anew when its structure changes; new points are given to the one there is.
  const structure = JSON.stringify([
    series.map(({ label: name, colour, dashed }) => [name, colour, dashed]),
    [xLabel, props.logarithmic, props.binary, props.syncKey, height, onRange !== undefined],
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the structure stands for the properties
  useEffect(() => {
    const element = frame.current!;
    const now = () => latest.current.props;
    const build = () => {
      plot.current?.destroy();
      const options = lineOptions({
        width: element.clientWidth,
        height,
        now,
        isHidden: (index) => latest.current.hidden.has(now().series[index]!.label),
        onCursor: (self) => writeValues(legend.current, self, now().formatY ?? String),
      });
      plot.current = new uPlot(options, latest.current.data as uPlot.AlignedData, element);
    };
    build();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    const forgetTheme = onLookChange(build);
    return () => {
      forgetTheme();
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [structure]);

  const [from, to] = range ?? [null, null];
  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot asks for range, lines and marks
  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData, true);
  }, [data, from, to, JSON.stringify([props.lines, props.marks])]);

  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
    series.forEach((one, index) => {
      if (one.label === name) plot.current?.setSeries(index + 1, { show: !next.has(name) });
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && range) onRange?.(null);
    const next = move(event.key, place, data[0], range);
    if (next === null) return;
    event.preventDefault();
    setPlace(next);
    const self = plot.current!;
    self.setCursor({ left: self.valToPos(data[0][next]!, 'x'), top: 0 });
  };

  return (
    <figure className={styles.figure}>
      <div className={styles.legend} ref={legend}>
        {series.map(({ label: name, colour }, index) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: two series may have the same name
            key={`${index} ${name}`}
            type="button"
            className={styles.entry}
            aria-pressed={!hidden.has(name)}
            onClick={() => toggle(name)}
          >
            <span className={styles.swatch} style={{ background: colour ?? seriesColour(index) }} />
            <Name>{name}</Name>
            <span className={styles.value} data-value="" />
          </button>
        ))}
      </div>
      <div className={styles.frame}>
        {range && onRange && (
          <span className={styles.reset}>
            <Button small onClick={() => onRange(null)}>
              Show all
            </Button>
          </span>
        )}
        <div
          ref={frame}
          className={styles.plot}
          style={{ height }}
          role="slider"
          tabIndex={0}
          aria-label={describe(props, formatX, formatY)}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, data[0].length - 1)}
          aria-valuenow={place ?? 0}
          aria-valuetext={
            place === null ? 'Arrow keys go from point to point' : sayPlace(props, data, place, formatX, formatY)
          }
          onKeyDown={onKeyDown}
          onDoubleClick={() => onRange?.(null)}
        />
      </div>
    </figure>
  );
}

/** The point that a key leads to, among those in sight; null for other keys. From nowhere, to the last one. */
function move(key: string, from: number | null, xs: readonly number[], range: Range | null): number | null {
  const first = range ? xs.findIndex((x) => x >= range[0]) : 0;
  const last = range ? xs.findLastIndex((x) => x <= range[1]) : xs.length - 1;
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -xs.length, End: xs.length }[key];
  if (step === undefined || first < 0 || last < first) return null;
  return Math.max(first, Math.min((from ?? last + (step < 0 ? 1 : 0)) + step, last));
}

/** Writes the values at the pointer, or the last ones, into the legend: past React, as it happens with each move. */
function writeValues(legend: HTMLElement | null, plot: uPlot, format: (y: number) => string): void {
  legend?.querySelectorAll<HTMLElement>('[data-value]').forEach((place, index) => {
    const row = plot.data[index + 1] as Row | undefined;
    const value = row && valueAt(row, plot.cursor.idx);
    place.textContent = value === undefined ? '' : say(value, format);
  });
}

function valueAt(row: Row, at: number | null | undefined): number | null | undefined {
  return row[nearestPlace(row, at ?? row.length - 1)];
}

function say(value: number | null, format: (y: number) => string): string {
  return value === null ? 'NaN' : format(value);
}

function sayPlace(
  { series, xLabel }: LineChartProps,
  [xs, ...rows]: ReturnType<typeof alignSeries>,
  at: number,
  formatX: (x: number) => string,
  formatY: (y: number) => string,
): string {
  if (xs[at] === undefined) return 'no points';
  const values = series.flatMap(({ label }, index) => {
    const value = valueAt(rows[index]!, at);
    return value === undefined ? [] : [`${label} ${say(value, formatY)}`];
  });
  return `${xLabel} ${formatX(xs[at])}: ${values.join(', ')}`;
}

function describe(
  { label, series, xLabel, marks = [] }: LineChartProps,
  formatX: (x: number) => string,
  formatY: (y: number) => string,
): string {
  const parts = series.map(({ label: name, points }) => {
    const last = points.at(-1);
    if (!last) return `${name}: no points`;
    return `${name}: ${points.length} points, last ${say(last.y, formatY)}`;
  });
  const marked = marks.map((mark) => `${mark.label} from ${xLabel} ${formatX(mark.x)}`);
  return `${label}. ${[...parts, ...marked].join('; ')}`;
}
