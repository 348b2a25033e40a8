import { useMemo } from 'react';
import { LineChart } from '../../charts/LineChart.tsx';
import { isShare, percent, significant } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox, Select } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Grid, Panel } from '../../ui/Page.tsx';
import { Slider } from '../../ui/Slider.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import styles from './Compare.module.css';
import { type AxisName, curvesOf, type RunCurves } from './curves.ts';
import { lookOf } from './look.ts';
import type { CompareView } from './useCompareView.ts';
import { useCurves } from './useCurves.ts';

const axisOptions: readonly { readonly value: AxisName; readonly label: string }[] = [
  { value: 'step', label: 'Steps' },
  { value: 'epoch', label: 'Epochs' },
];

/** One chart per metric with a line for each run; all show the same place under the pointer. */
export function CurvesPanel({
  ids,
  names,
  known,
  metrics,
  view,
  change,
}: {
  readonly ids: readonly string[];
  /** Of the runs, in the order of the ids. */
  readonly names: readonly string[];
  /** Every metric that one of the runs has logged. */
  readonly known: readonly string[];
  /** Those with a chart. */
  readonly metrics: readonly string[];
  readonly view: CompareView;
  readonly change: (changes: Partial<CompareView>) => void;
}) {
  const { axis, smoothing, logarithmic } = view;
  const { runs, isLoading, failed } = useCurves(ids, metrics, view);
  const others = known.filter((name) => !metrics.includes(name));
  return (
    <Panel
      title="Curves"
      actions={
        <>
          <Segments
            label="Axis"
            options={axisOptions}
            value={axis}
            onChange={(next) => change({ axis: next, stretch: null })}
          />
          <Slider
            label="Smoothing"
            max={0.99}
            step={0.01}
            value={smoothing}
            format={(value) => value.toFixed(2)}
            onChange={(value) => change({ smoothing: value })}
          />
          <Checkbox
            label="Logarithmic"
            checked={logarithmic}
            onChange={({ target }) => change({ logarithmic: target.checked })}
          />
          <Select
            label="Add a chart"
            hideLabel
            value=""
            disabled={others.length === 0}
            onChange={({ target }) => change({ metrics: [...metrics, target.value] })}
          >
            <option value="">Add a chart …</option>
            {others.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        </>
      }
    >
      <p className={styles.hint}>Drag across a chart to zoom in; a double click shows all of it.</p>
      {failed?.error && <Failure error={failed.error} onRetry={() => void failed.refetch()} />}
      {metrics.length === 0 && (
        <Empty title="No chart is chosen">
          <p>Choose a metric above. Runs that have not begun have none yet.</p>
        </Empty>
      )}
      <Grid least="28rem">
        {metrics.map((metric) => (
          <MetricChart
            key={metric}
            metric={metric}
            names={names}
            runs={runs}
            isLoading={isLoading}
            view={view}
            change={change}
            onRemove={() => change({ metrics: metrics.filter((other) => other !== metric) })}
          />
        ))}
      </Grid>
    </Panel>
  );
}

function MetricChart({
  metric,
  names,
  runs,
  isLoading,
  view: { axis, smoothing, logarithmic, stretch },
  change,
  onRemove,
}: {
  readonly metric: string;
  readonly names: readonly string[];
  readonly runs: readonly (RunCurves | undefined)[];
  readonly isLoading: boolean;
  readonly view: CompareView;
  readonly change: (changes: Partial<CompareView>) => void;
  readonly onRemove: () => void;
}) {
  const series = useMemo(
    () =>
      curvesOf(metric, runs, { axis, smoothing }).map(({ place, points }) => ({
        label: names[place]!,
        points,
        ...lookOf(place),
      })),
    [metric, runs, names, axis, smoothing],
  );
  return (
    <section aria-label={metric}>
      <div className={styles.chartHead}>
        <h3>
          <Name>{metric}</Name>
        </h3>
        <Button look="quiet" small aria-label={`Remove the chart of ${metric}`} title="Remove" onClick={onRemove}>
          <Icon name="close" />
        </Button>
      </div>
      {isLoading && <Skeleton height="20rem" />}
      {!isLoading && series.length > 0 && (
        <LineChart
          label={metric}
          series={series}
          xLabel={axis === 'epoch' ? 'Epoch' : 'Step'}
          formatY={isShare(metric) ? (y) => percent(y, 1) : (y) => significant(y)}
          logarithmic={logarithmic}
          syncKey="compare"
          range={stretch}
          onRange={(next) => change({ stretch: next })}
          height={260}
        />
      )}
      {!isLoading && series.length === 0 && <p>None of the runs has logged it.</p>}
    </section>
  );
}
