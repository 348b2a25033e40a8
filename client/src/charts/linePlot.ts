/** How a line chart is set up in uPlot. */

import uPlot from 'uplot';
import { nearestPlace, type Row } from './align.ts';
import { resolveColour, seriesColour } from './colours.ts';
import { paintMarks, paintNonFinite, paintReferences } from './lineMarks.ts';
import type { LineChartProps, Range } from './lineProps.ts';

export interface LinePlotOptions {
  readonly width: number;
  readonly height: number;
  /** The properties as they are now: what can change without a new plot is asked for whenever it is drawn. */
  readonly now: () => LineChartProps;
  readonly isHidden: (series: number) => boolean;
  /** The pointer is elsewhere, or the data are others. */
  readonly onCursor: (plot: uPlot) => void;
}

/** Steps between the ticks of an axis of bytes. */
const powersOfTwo = Array.from({ length: 53 }, (_, power) => 2 ** power);

export function lineOptions({ width, height, now, isHidden, onCursor }: LinePlotOptions): uPlot.Options {
  const { series, xLabel, logarithmic = false, binary, syncKey, onRange } = now();
  const surface = resolveColour('var(--surface)');
  const ink = resolveColour('var(--muted)');
  const strokes = series.map(({ colour }, index) => resolveColour(colour ?? seriesColour(index)));
  const grid = { stroke: resolveColour('var(--line)'), width: 1 };
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font: '11px "Plex Mono", monospace' };
  return {
    width,
    height,
    legend: { show: false },
    cursor: {
      ...(syncKey !== undefined && { sync: { key: syncKey } }),
      drag: { x: onRange !== undefined, y: false, setScale: false },
      // By a double click a plot would show everything; here the view says what is shown.
      bind: { dblclick: () => null },
      points: { size: 6, fill: (_plot, index) => strokes[index - 1]! },
      y: false,
      // Series have their points at different places.
      dataIdx: (plot, index, place) => (index === 0 ? place : nearestPlace(plot.data[index] as Row, place)),
    },
    scales: {
      x: { time: false, range: (_plot, min, max) => [...(now().range ?? now().extent ?? widened(min, max))] },
      y: {
        ...(logarithmic && { distr: 3 as const }),
        range: (_plot, min, max) => heightOf(min, max, now()),
      },
    },
    axes: [
      {
        ...axis,
        label: xLabel,
        labelSize: 20,
        labelFont: '11px "Plex Sans", sans-serif',
        size: 28,
        space: 70,
        values: (plot, ticks) => {
          const { formatX = String, range, extent } = now();
          return hasPoints(plot) || range || extent ? ticks.map((tick) => formatX(tick)) : ticks.map(() => '');
        },
      },
      {
        ...axis,
        size: 64,
        ...(binary && !logarithmic && { incrs: powersOfTwo }),
        values: (plot, ticks) => {
          const { formatY = String, lines = [] } = now();
          const told = hasPoints(plot) || lines.length > 0;
          return ticks.map((tick) => (tick === null || !told ? '' : formatY(tick)));
        },
      },
    ],
    series: [
      {},
      ...series.map(({ label, dashed }, index) => ({
        label,
        show: !isHidden(index),
        stroke: strokes[index]!,
        width: 1.5,
        spanGaps: false,
        points: { show: isSparse, fill: surface },
        gaps: (plot: uPlot, place: number, from: number, to: number, gaps: [number, number][]) => [
          ...gaps,
          ...wideGaps(plot, place, from, to, now().maxGap),
        ],
        ...(dashed && { dash: [6, 4] }),
      })),
    ],
    hooks: {
      setCursor: [onCursor],
      setData: [onCursor],
      setSelect: [
        (plot) => {
          const { left, width: marked } = plot.select;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (marked > 4) now().onRange?.([plot.posToVal(left, 'x'), plot.posToVal(left + marked, 'x')]);
        },
      ],
      draw: [
        (plot) => paintMarks(plot, now().marks ?? []),
        paintNonFinite,
        (plot) => paintReferences(plot, now().lines ?? []),
      ],
    },
  };
}

/** Without any an axis has no numbers: they would be those of nothing. */
const hasPoints = ({ data }: uPlot) => data[0].length > 0;

/** Points are drawn where lines alone would not show them. */
const isSparse = (_plot: uPlot, _series: number, from: number, to: number) => to - from < 40;

/** Stretches of a series, in pixels, that are wider than `maxGap` on the x axis; none without it. */
function wideGaps(plot: uPlot, series: number, from: number, to: number, maxGap?: number): [number, number][] {
  const gaps: [number, number][] = [];
  if (maxGap === undefined) return gaps;
  const [xs] = plot.data;
  let last: number | null = null;
  for (let at = from; at <= to; at++) {
    if (plot.data[series]![at] === undefined) continue;
    const x = xs[at]!;
    if (last !== null && x - last > maxGap) gaps.push([plot.valToPos(last, 'x', true), plot.valToPos(x, 'x', true)]);
    last = x;
  }
  return gaps;
}

/** A single abscissa needs some room. */
function widened(min: number | null, max: number | null): Range {
  if (min === null || max === null) return [0, 1];
  return min === max ? [min - 0.5, max + 0.5] : [min, max];
}

/** The stretch of the y axis for values from `min` to `max` (null: there are none): with some room, and all reference lines within. */
function heightOf(min: number | null, max: number | null, props: LineChartProps): uPlot.Range.MinMax {
  const { lines = [], logarithmic = false } = props;
  const all = [min, max, ...lines.map(({ y }) => y)].filter(
    (y): y is number => typeof y === 'number' && Number.isFinite(y) && (!logarithmic || y > 0),
  );
  if (all.length === 0) return logarithmic ? [0.1, 10] : [0, 1];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (logarithmic) return uPlot.rangeLog(low, low === high ? high * 2 : high, 10, false);
  return uPlot.rangeNum(low, high, 0.1, true);
}
