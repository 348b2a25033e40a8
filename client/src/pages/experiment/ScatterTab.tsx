import { useMemo, useRef } from 'react';
import { useLocation } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { Scatter } from '../../charts/Scatter.tsx';
import { bytes, count, duration, isShare, percent, significant } from '../../format/numbers.ts';
import { ScatterPointsDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Checkbox } from '../../ui/Field.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Experiment.module.css';
import { FilterHelp } from './FilterHelp.tsx';
import type { ExperimentHead } from './head.ts';
import { ListState } from './ListState.tsx';
import { MarkCard } from './MarkCard.tsx';
import { MarkList } from './MarkList.tsx';
import { MetricSelect } from './MetricSelect.tsx';
import { problemOn } from './problemOn.ts';
import { isUnderWay } from './rows.ts';
import { type Cost, costs, scatterPicture } from './scatterPoints.ts';
import { scoreDirection } from './scoreDirection.ts';
import { useBoardView } from './useBoardView.ts';

/** More marks than this are a cloud. */
const mostPoints = 10_000;
/** Milliseconds between two looks while runs are under way. */
const pause = 10_000;

const costWords: Readonly<Record<Cost, string>> = { seconds: 'Training time', memory: 'Peak memory' };
const costFormats: Readonly<Record<Cost, (value: number) => string>> = { seconds: duration, memory: bytes };

/** What scores cost: each run a mark, and the front of those that nothing betters. */
export function ScatterTab({ experiment }: { readonly experiment: ExperimentHead }) {
  const [view, change] = useBoardView();
  const [get, set] = useSearch();
  const [, navigate] = useLocation();
  const cost = costs.find((known) => known === get('cost')) ?? 'seconds';
  const isList = get('as') === 'list';
  const underWay = experiment.runCounts.some(({ status }) => isUnderWay(status));
  const { data, error, refetch, isPlaceholderData } = useApiQuery(
    ScatterPointsDocument,
    { id: experiment.id, metric: view.metric, split: view.split, filter: view.filter || null, first: mostPoints },
    underWay ? { every: pause } : {},
  );
  const metric = view.metric ?? experiment.objective.metric;
  const better = scoreDirection(metric, experiment.objective);
  // A refused filter takes away nothing.
  const last = useRef(data);
  if (data) last.current = data;
  const shown = data ?? last.current;
  const points = shown?.experiment?.points;
  const { marks, families, front, left } = useMemo(
    () => scatterPicture(points ?? [], cost, better),
    [points, cost, better],
  );
  const formatScore = isShare(metric) ? scoreAsShare : significant;
  const filterProblem = problemOn('filter', error);
  return (
    <Stack>
      <div>
        <div className={styles.tools}>
          <div className={styles.filter}>
            <SearchField
              label="Filter"
              value={view.filter}
              placeholder="arch like vit* and epochs >= 12"
              problem={filterProblem}
              onChange={(filter) => change({ filter })}
            />
          </div>
          <MetricSelect experiment={experiment} view={view} change={change} />
        </div>
        <FilterHelp onChange={(filter) => change({ filter })} />
      </div>
      <div className={styles.controls}>
        <Segments
          label="Cost"
          value={cost}
          options={costs.map((value) => ({ value, label: costWords[value] }))}
          onChange={(next) => set({ cost: next === 'seconds' ? null : next })}
        />
        <Checkbox
          label="Logarithmic cost"
          checked={get('logx') === '1'}
          onChange={({ target }) => set({ logx: target.checked ? '1' : null })}
        />
        <Checkbox
          label="Logarithmic score"
          checked={get('logy') === '1'}
          onChange={({ target }) => set({ logy: target.checked ? '1' : null })}
        />
        <Segments
          label="Shown as"
          value={isList ? 'list' : 'plot'}
          options={[
            { value: 'plot', label: 'Plot' },
            { value: 'list', label: 'List' },
          ]}
          onChange={(next) => set({ as: next === 'plot' ? null : next })}
        />
      </div>
      {error && !filterProblem && <Failure error={error} onRetry={() => void refetch()} />}
      {!shown && !error && <Skeleton height="32rem" />}
      {shown && marks.length === 0 && (
        <Empty title="Nothing to show yet">
          <p>
            {left > 0
              ? `${count(left)} runs have a score, but their ${costWords[cost].toLowerCase()} is not known yet.`
              : 'A run gets its mark as soon as it has a score and has finished training.'}
          </p>
        </Empty>
      )}
      {marks.length > 0 && (
        <div>
          <p className={styles.line}>
            <span>
              {count(marks.length)} {marks.length === 1 ? 'run' : 'runs'}, {count(front.length)} on the Pareto front
              {left > 0 && `; ${count(left)} without ${costWords[cost].toLowerCase()} left out`}
            </span>
            <ListState outdated={isPlaceholderData} refused={filterProblem !== undefined} waiting={false} />
          </p>
          {isList ? (
            <MarkList marks={marks} front={front} metric={metric} better={better} formatScore={formatScore} />
          ) : (
            <Panel>
              <Scatter
                label={`${metric} of ${experiment.name}`}
                points={marks}
                categories={families}
                front={front}
                xLabel={costWords[cost]}
                yLabel={metric}
                formatX={costFormats[cost]}
                formatY={formatScore}
                binaryX={cost === 'memory'}
                logarithmicX={get('logx') === '1'}
                logarithmicY={get('logy') === '1'}
                describe={(mark) => <MarkCard mark={mark} metric={metric} formatScore={formatScore} />}
                onPick={({ id }) => navigate(routes.run(id))}
                height={460}
              />
            </Panel>
          )}
        </div>
      )}
    </Stack>
  );
}

const scoreAsShare = (value: number) => percent(value);
