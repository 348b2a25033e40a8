/** What a line chart is given. */

import type { Point } from './align.ts';
import type { AxisMark, ReferenceLine } from './lineMarks.ts';

export interface ChartSeries {
  readonly label: string;
  readonly points: readonly Point[];
  /** A CSS colour; left out: by its place. */
  readonly colour?: string;
  readonly dashed?: boolean;
}

export type Range = readonly [from: number, to: number];

export interface LineChartProps {
  /** What it shows, for screen readers. */
  readonly label: string;
  readonly series: readonly ChartSeries[];
  readonly xLabel: string;
  readonly formatX?: (x: number) => string;
  readonly formatY?: (y: number) => string;
  readonly logarithmic?: boolean;
  /** Values are bytes: the axis has powers of two. */
  readonly binary?: boolean;
  /** Charts with the same key show the same place under the pointer. */
  readonly syncKey?: string;
  /** What of the x axis is shown; null: everything. */
  readonly range?: Range | null;
  /** What everything is; left out: from the first point to the last. Give charts side by side the same. */
  readonly extent?: Range;
  /** The reader has marked a stretch of the x axis, or (null, by a double click) wants to see all of it. */
  readonly onRange?: (range: Range | null) => void;
  /** Points that are farther apart on the x axis are not joined: in between nobody looked. Left out: all are. */
  readonly maxGap?: number;
  /** Pixels. */
  readonly height?: number;
  /** Horizontal lines, e.g. a budget: always in sight. */
  readonly lines?: readonly ReferenceLine[];
  /** Vertical lines at places of the x axis, e.g. where something began anew. */
  readonly marks?: readonly AxisMark[];
}
