import { Empty } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { ChartControls, useChartView } from './ChartControls.tsx';
import { EpochTable } from './EpochTable.tsx';
import styles from './Run.module.css';
import { RunCharts } from './RunCharts.tsx';
import { isOver, type RunState } from './runState.ts';

/** The curves of a run, its epochs, and what people wrote about it. */
export function OverviewTab({ state }: { readonly state: RunState }) {
  const view = useChartView();
  const { facts, series, memory } = state;
  const begins = facts.status === 'RUNNING' || facts.status === 'CANCELING';
  const isEmpty = series.size === 0 && memory.points.length === 0 && !begins;
  return (
    <Stack>
      {facts.notes && (
        <Panel title="Notes">
          <p className={styles.notes}>
            <bdi>{facts.notes}</bdi>
          </p>
        </Panel>
      )}
      {isEmpty ? (
        <Empty title={facts.prunedAt ? 'The curves were removed by age' : 'No measurements yet'}>
          <p>
            {isOver(facts.status)
              ? 'It ended before its first step.'
              : 'Loss, error rate, learning rate and memory are drawn here from the first step on.'}
          </p>
        </Empty>
      ) : (
        <>
          <ChartControls view={view} />
          <RunCharts state={state} view={view} />
        </>
      )}
      {facts.epochs.length > 0 && <EpochTable epochs={facts.epochs} />}
    </Stack>
  );
}
