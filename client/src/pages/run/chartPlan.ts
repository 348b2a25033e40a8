/** Which series stand in which chart, and what becomes of them on the way there. Pure. */

import type { ChartSeries } from '../../charts/lineProps.ts';
import { smooth } from '../../charts/smooth.ts';
import type { Axis } from './axis.ts';
import type { MetricSample } from './runState.ts';
import type { Series } from './series.ts';

export interface ChartPlan {
  readonly key: string;
  readonly title: string;
  readonly names: readonly string[];
}

const charts: readonly { readonly key: string; readonly title: string; readonly holds: RegExp }[] = [
  { key: 'loss', title: 'Loss', holds: /^(train|valid|holdout)\/(loss|loss_smooth|log_loss)$/ },
  { key: 'error', title: 'Error rate', holds: /(^|\/)error_rate$/ },
  { key: 'rate', title: 'Learning rate', holds: /^lr(\/|$)/ },
  { key: 'momentum', title: 'Momentum', holds: /^momentum$/ },
  { key: 'scale', title: 'Loss scale', holds: /\/loss_scale$/ },
  { key: 'accuracy', title: 'Accuracy', holds: /(^|\/)accuracy$/ },
];

/** What every training logs sooner or later: its charts are there from the start, so that nothing moves when the first epoch ends. */
export const expectedNames = ['train/loss', 'train/loss_smooth', 'valid/loss', 'valid/error_rate', 'lr/0', 'momentum'];

/** The charts that a run's series fill, the well-known first, then one for each other series. */
export function planCharts(names: Iterable<string>): readonly ChartPlan[] {
  const all = new Set(names);
  // Accuracy is the error rate upside down.
  const left = new Set(
    [...all].filter((name) => !(/accuracy$/.test(name) && all.has(name.replace(/accuracy$/, 'error_rate')))),
  );
  const known = charts.map(({ key, title, holds }) => {
    const own = [...left].filter((name) => holds.test(name));
    for (const name of own) left.delete(name);
    return { key, title, names: own };
  });
  const others = [...left].map((name) => ({ key: name, title: name, names: [name] }));
  return [...known, ...others].filter((plan) => plan.names.length > 0);
}

export interface View {
  readonly axis: Axis;
  /** 0: as it is; towards 1: smoother. Concerns what is logged at every step. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
}

/** Series as a chart takes them. Values at every step are drawn pale behind their smoothed course: the trainer's own, or the reader's. */
export function chartSeries(
  { key, names }: ChartPlan,
  series: ReadonlyMap<string, Series<MetricSample>>,
  { axis, smoothing, logarithmic }: View,
): readonly ChartSeries[] {
  const shown = names.filter((name) => !(smoothing > 0 && name === trainersOwn));
  const colours = new Map(
    [...new Set(shown.map(kindOf))].map((kind, index) => [kind, `var(--series-${(index % 8) + 1})`]),
  );
  return shown.flatMap((name): ChartSeries[] => {
    const colour = colours.get(kindOf(name))!;
    const points = (series.get(name)?.points ?? []).flatMap((sample) => {
      // A logarithmic axis has no place for zero and less.
      if (logarithmic && sample.value <= 0) return [];
      return [{ x: axis.of(sample), y: Number.isFinite(sample.value) ? sample.value : null }];
    });
    const smoothed = smoothing > 0 && name.startsWith('train/');
    const isBehind = smoothed || shown.some((other) => other !== name && kindOf(other) === name);
    const label = key === 'loss' ? lossLabel(name) : name;
    const drawn = { label, points, colour: isBehind ? pale(colour) : colour };
    if (!smoothed) return [drawn];
    return [drawn, { label: `${label}, smoothed`, points: smooth(points, smoothing), colour }];
  });
}

const trainersOwn = 'train/loss_smooth';

/** What a series is another view of. */
const kindOf = (name: string) => (name === trainersOwn ? 'train/loss' : name);

/** Short, so that the legend stays on one line: the chart says that it is the loss. "smoothed" is what the reader does. */
function lossLabel(name: string): string {
  return name === trainersOwn ? 'train (running mean)' : name.replace(/\/.*/, '');
}

const pale = (colour: string) => `color-mix(in srgb, ${colour} 35%, transparent)`;
