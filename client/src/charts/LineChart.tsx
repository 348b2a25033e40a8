import 'uplot/dist/uPlot.min.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { Name } from '../ui/Name.tsx';
import { alignSeries, type Point } from './align.ts';
import { onThemeChange, resolveColour, seriesColour } from './colours.ts';
import styles from './LineChart.module.css';

export interface ChartSeries {
  readonly label: string;
  readonly points: readonly Point[];
  /** A CSS colour; left out: by its place. */
  readonly colour?: string;
  readonly dashed?: boolean;
}

export type Range = readonly [from: number, to: number];

export interface LineChartProps {
  /** What it shows, for screen readers and above the legend. */
  readonly label: string;
  readonly series: readonly ChartSeries[];
  readonly xLabel: string;
  readonly formatX?: (x: number) => string;
  readonly formatY?: (y: number) => string;
  readonly logarithmic?: boolean;
  /** Charts with the same key show the same place under the pointer. */
  readonly syncKey?: string;
  /** What of the x axis is shown; null: everything. */
  readonly range?: Range | null;
  /** The reader has marked a stretch of the x axis, or (null, by a double click) wants to see all of it. */
  readonly onRange?: (range: Range | null) => void;
  /** Pixels. */
  readonly height?: number;
  /** Horizontal lines, e.g. a budget. */
  readonly lines?: readonly { readonly y: number; readonly label: string }[];
}

/** Series over a common axis. What is not finite is marked at the upper edge, so that a NaN is seen and not passed over. */
export function LineChart(props: LineChartProps) {
  const {
    label,
    series,
    xLabel,
    formatX = String,
    formatY = String,
    logarithmic = false,
    syncKey,
    range,
    height = 240,
  } = props;
  const frame = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const data = useMemo(() => alignSeries(series.map(({ points }) => points)), [series]);
  const latest = useRef({ props, data });
  latest.current = { props, data };
  // A chart is made anew when its structure changes; new points are given to the one there is.
  const structure = JSON.stringify([
    series.map(({ label: name, colour, dashed }) => [name, colour, dashed]),
    [xLabel, logarithmic, syncKey, height],
    (props.lines ?? []).map(({ y, label: name }) => [y, name]),
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the structure stands for the properties
  useEffect(() => {
    const element = frame.current!;
    const build = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element.clientWidth), latest.current.data as uPlot.AlignedData, element);
    };
    const options = (width: number): uPlot.Options => {
      const ink = resolveColour('var(--muted)');
      const grid = { stroke: resolveColour('var(--line)'), width: 1 };
      const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font: '11px "Plex Mono", monospace' };
      return {
        width,
        height,
        legend: { show: false },
        cursor: {
          ...(syncKey !== undefined && { sync: { key: syncKey } }),
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
        },
        scales: {
          x: { time: false, range: (_plot, min, max) => [...(latest.current.props.range ?? widened(min, max))] },
          y: logarithmic ? { distr: 3 } : {},
        },
        axes: [
          {
            ...axis,
            label: xLabel,
            labelSize: 20,
            labelFont: '11px "Plex Sans", sans-serif',
            size: 28,
            values: (_plot, ticks) => ticks.map(formatX),
          },
          { ...axis, size: 64, values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : formatY(tick))) },
        ],
        series: [
          {},
          ...series.map(({ label: name, colour, dashed }, index) => ({
            label: name,
            stroke: resolveColour(colour ?? seriesColour(index)),
            width: 1.5,
            spanGaps: false,
            points: { show: isSparse },
            ...(dashed && { dash: [6, 4] }),
          })),
        ],
        hooks: {
          setCursor: [showValues],
          setSelect: [
            (self) => {
              const { left, width: marked } = self.select;
              if (marked > 4)
                latest.current.props.onRange?.([self.posToVal(left, 'x'), self.posToVal(left + marked, 'x')]);
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
          draw: [drawMarks],
        },
      };
    };
    const showValues = (self: uPlot) => {
      const at = self.cursor.idx;
      const places = legend.current?.querySelectorAll<HTMLElement>('[data-value]');
      places?.forEach((place, index) => {
        place.textContent = valueAt(
          latest.current.data[index + 1] as readonly (number | null | undefined)[],
          at,
          formatY,
        );
      });
    };
    const drawMarks = (self: uPlot) => {
      const { ctx, bbox } = self;
      ctx.save();
      ctx.fillStyle = resolveColour('var(--bad)');
      const [xs, ...rows] = latest.current.data;
      for (const row of rows) {
        row.forEach((y, index) => {
          if (y !== null) return;
          const x = self.valToPos(xs[index]!, 'x', true);
          ctx.beginPath();
          ctx.moveTo(x - 5, bbox.top);
          ctx.lineTo(x + 5, bbox.top);
          ctx.lineTo(x, bbox.top + 9);
          ctx.fill();
        });
      }
      ctx.strokeStyle = resolveColour('var(--warn)');
      ctx.fillStyle = ctx.strokeStyle;
      ctx.setLineDash([8, 4]);
      ctx.font = `${11 * devicePixelRatio}px "Plex Sans", sans-serif`;
      for (const { y, label: name } of latest.current.props.lines ?? []) {
        const top = self.valToPos(y, 'y', true);
        if (top < bbox.top || top > bbox.top + bbox.height) continue;
        ctx.beginPath();
        ctx.moveTo(bbox.left, top);
        ctx.lineTo(bbox.left + bbox.width, top);
        ctx.stroke();
        ctx.fillText(name, bbox.left + 6, top - 4);
      }
      ctx.restore();
    };
    build();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    const forgetTheme = onThemeChange(build);
    const reset = () => latest.current.props.onRange?.(null);
    element.addEventListener('dblclick', reset);
    return () => {
      element.removeEventListener('dblclick', reset);
      forgetTheme();
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [structure]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the scale asks for the range
  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData, true);
  }, [data, range]);

  useEffect(() => {
    series.forEach(({ label: name }, index) => {
      if (plot.current?.series[index + 1]?.show === hidden.has(name)) {
        plot.current.setSeries(index + 1, { show: !hidden.has(name) });
      }
    });
  }, [hidden, series]);

  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };

  return (
    <figure className={styles.figure}>
      <div className={styles.legend} ref={legend}>
        {series.map(({ label: name, colour }, index) => (
          <button
            key={name}
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
      <div
        ref={frame}
        className={styles.plot}
        style={{ height }}
        role="img"
        aria-label={describe(label, series, formatY)}
      />
    </figure>
  );
}

/** Points are drawn where lines alone would not show them. */
const isSparse = (_plot: uPlot, _series: number, from: number, to: number) => to - from < 40;

/** A single abscissa needs some room. */
function widened(min: number | null, max: number | null): Range {
  if (min === null || max === null) return [0, 1];
  return min === max ? [min - 0.5, max + 0.5] : [min, max];
}

/** The value at the pointer, or the last one. */
function valueAt(
  row: readonly (number | null | undefined)[],
  at: number | null | undefined,
  format: (y: number) => string,
): string {
  const value = at === null || at === undefined ? row.findLast((y) => y !== undefined) : row[at];
  if (value === undefined) return '';
  return value === null ? 'NaN' : format(value);
}

function describe(label: string, series: readonly ChartSeries[], format: (y: number) => string): string {
  const parts = series.map(({ label: name, points }) => {
    const last = points.at(-1);
    if (!last) return `${name}: no points`;
    return `${name}: ${points.length} points, last ${last.y === null ? 'NaN' : format(last.y)}`;
  });
  return `${label}. ${parts.join('; ')}`;
}
