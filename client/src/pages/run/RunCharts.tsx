import { LineChart } from '../../charts/LineChart.tsx';
import type { ChartSeries, Range } from '../../charts/lineProps.ts';
import { bytes, isShare, percent, significant } from '../../format/numbers.ts';
import { Grid, Panel } from '../../ui/Page.tsx';
import { attemptMarks } from './attemptMarks.ts';
import { type Axis, createAxis, stepsPerEpoch } from './axis.ts';
import type { ChartView } from './ChartControls.tsx';
import { type ChartPlan, chartSeries, expectedNames, planCharts } from './chartPlan.ts';
import { isOver, type RunState } from './runState.ts';
import type { Series, Stepped } from './series.ts';
import { useDetail } from './useDetail.ts';

/** Everything that a run has measured over its course, on one axis. */
export function RunCharts({ state, view }: { readonly state: RunState; readonly view: ChartView }) {
  const { facts, memory, budget } = state;
  const { smoothing, logarithmic, steps, zoom } = view;
  const series = useDetail(facts.id, state.series, steps);
  const axis = useAxis(state, view);
  const expected = facts.kind === 'TRAINED' && !isOver(facts.status) ? expectedNames : [];
  const plans = planCharts(new Set([...expected, ...series.keys()]));
  const range: Range | null = steps && [axis.placeOf(steps[0]), axis.placeOf(steps[1])];
  const onRange = (marked: Range | null) => zoom(marked && [axis.stepAt(marked[0]), axis.stepAt(marked[1])]);
  const common = {
    xLabel: axis.label,
    formatX: axis.format,
    syncKey: facts.id,
    range,
    ...extentOf(state, axis),
    marks: attemptMarks(state, axis),
    onRange,
    height: 220,
  };
  const total = memory.points.at(-1)?.deviceTotal ?? null;
  const lines = [
    ...(budget === null ? [] : [{ y: budget, label: `Budget ${bytes(budget)}` }]),
    ...(total === null ? [] : [{ y: total, label: `Device ${bytes(total)}` }]),
  ];
  return (
    <Grid least="26rem">
      {plans.map((plan) => (
        <Panel key={plan.key} title={plan.title}>
          <LineChart
            {...common}
            label={plan.title}
            logarithmic={logarithmic && plan.key !== 'momentum'}
            formatY={formatOf(plan)}
            binary={isMemory(plan)}
            series={chartSeries(plan, series, { axis, smoothing, logarithmic })}
          />
        </Panel>
      ))}
      {(memory.points.length > 0 || expected.length > 0) && (
        <Panel title="Memory of the trainer">
          <LineChart
            {...common}
            label="Memory"
            formatY={bytes}
            binary
            lines={lines}
            series={memorySeries(state, axis)}
          />
        </Panel>
      )}
      {(facts.epochs.length > 0 || expected.length > 0) && (
        <Panel title="Images per second">
          <LineChart
            {...common}
            label="Images per second"
            formatY={significant}
            series={[{ label: 'trained on, by epoch', points: throughput(state, axis) }]}
          />
        </Panel>
      )}
    </Grid>
  );
}

/** From the start to the newest point of all, so that every chart shows the same stretch; of nothing there is none. */
function extentOf({ series, memory }: RunState, axis: Axis): { readonly extent?: Range } {
  const all: readonly Series<Stepped>[] = [memory, ...series.values()];
  const places = all.flatMap(({ points }) => points.slice(-1).map(axis.of));
  return places.length ? { extent: [0, Math.max(0, ...places) || 1] } : {};
}

function useAxis({ facts, series }: RunState, view: ChartView): Axis {
  const clock: readonly Stepped[] = series.get('train/loss')?.points ?? [...series.values()][0]?.points ?? [];
  const batches = facts.progress && /FROZEN/.test(facts.progress.phase) ? facts.progress.batches : null;
  const perEpoch = stepsPerEpoch(facts.epochs.length, series.get('valid/loss')?.points.at(-1)?.step, batches);
  return createAxis(view.axis, {
    stepsPerEpoch: perEpoch,
    startedAt: Date.parse(facts.startedAt ?? facts.createdAt),
    clock,
  });
}

function memorySeries({ memory: { points } }: RunState, axis: Axis): readonly ChartSeries[] {
  const line = (label: string, of: (point: (typeof points)[number]) => number | null): ChartSeries => ({
    label,
    points: points.flatMap((point) => {
      const y = of(point);
      return y === null ? [] : [{ x: axis.of(point), y }];
    }),
  });
  const all = [
    line('used', ({ used }) => used),
    line('peak', ({ peak }) => peak),
    line('device, all processes', ({ deviceUsed }) => deviceUsed),
  ];
  return all.filter((own, index) => index < 2 || own.points.length > 0);
}

/** Epochs stand where their validation was logged. */
function throughput({ facts: { epochs }, series }: RunState, axis: Axis): ChartSeries['points'] {
  const ends = series.get('valid/loss')?.points ?? [];
  return epochs.flatMap(({ index, imagesPerSecond }) => {
    const end = ends[index];
    return end ? [{ x: axis.of(end), y: imagesPerSecond }] : [];
  });
}

const isMemory = ({ names }: Pick<ChartPlan, 'names'>) => names.every((name) => name.endsWith('_memory'));

function formatOf({ names }: ChartPlan): (y: number) => string {
  if (names.every(isShare)) return (y) => percent(y, 1);
  if (isMemory({ names })) return bytes;
  // What diverges has more digits than there is room.
  return (y) => (Math.abs(y) >= 1e5 ? y.toExponential(1) : significant(y));
}
