import { useMemo } from 'react';
import { Link } from 'wouter';
import { LineChart } from '../../charts/LineChart.tsx';
import type { ChartSeries } from '../../charts/lineProps.ts';
import { percent, significant } from '../../format/numbers.ts';
import { imagesOf } from '../../format/splits.ts';
import type { EnsembleDetailsFragment } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Grid, Panel, Stack } from '../../ui/Page.tsx';
import styles from './ensembles.module.css';

type Selection = NonNullable<EnsembleDetailsFragment['selection']>;
type Step = Selection['steps'][number] & { readonly number: number };

/** How the server came to the members: the score by pick, and the figure that tells the truth. */
export function SelectionPanel({
  selection,
  scores,
}: {
  readonly selection: Selection;
  readonly scores: EnsembleDetailsFragment['scores'];
}) {
  const { split, metric, candidateCount, keptSteps } = selection;
  const steps = useMemo(() => selection.steps.map((step, i): Step => ({ ...step, number: i + 1 })), [selection]);
  const kept = steps[keptSteps - 1];
  const honest = scores.find((score) => score.split !== split);
  const errors = useMemo(() => series(steps, keptSteps, ({ errorRate }) => errorRate), [steps, keptSteps]);
  const losses = useMemo(() => series(steps, keptSteps, ({ logLoss }) => logLoss), [steps, keptSteps]);
  return (
    <Panel title="How the members were selected">
      <Stack>
        <KeyValues
          entries={[
            ['Made small', metric === 'ERROR_RATE' ? 'error rate' : 'log loss'],
            ['Candidates', String(candidateCount)],
            ['Picks', `${steps.length}, of which the first ${keptSteps} make the ensemble`],
            [`On ${imagesOf(split)}`, kept && `${figures(kept)}: optimistic, it was chosen on these very images`],
            [
              honest ? `On ${imagesOf(honest.split)}` : 'Elsewhere',
              honest && `${figures(honest)}: the honest figure, selection has not seen these images`,
            ],
          ]}
        />
        {!honest && (
          <Notice tone="warn">
            There is no score on other labelled images, so nothing tells how much of this was luck. A data set with a
            hold-out, or runs that share their validation images, give one.
          </Notice>
        )}
        <Grid>
          <div>
            <h3>Error rate by pick</h3>
            <LineChart
              label={`Error rate on ${imagesOf(split)} by pick`}
              series={errors}
              xLabel="pick"
              formatY={(y) => percent(y)}
              height={200}
            />
          </div>
          <div>
            <h3>Log loss by pick</h3>
            <LineChart
              label={`Log loss on ${imagesOf(split)} by pick`}
              series={losses}
              xLabel="pick"
              formatY={(y) => significant(y, 3)}
              height={200}
            />
          </div>
        </Grid>
        <DataTable
          label="Picks"
          columns={columns}
          rows={steps}
          rowKey={({ number }) => String(number)}
          maxHeight="18rem"
        />
      </Stack>
    </Panel>
  );
}

const figures = ({ errorRate, logLoss }: { readonly errorRate: number; readonly logLoss: number }) =>
  `${percent(errorRate)} wrong, log loss ${significant(logLoss, 3)}`;

/** The picks that count, and those after them. */
function series(steps: readonly Step[], kept: number, value: (step: Step) => number): readonly ChartSeries[] {
  const points = steps.map((step) => ({ x: step.number, y: value(step) }));
  const after = points.slice(Math.max(0, kept - 1));
  return [
    { label: 'in the ensemble', points: points.slice(0, kept) },
    ...(after.length > 1 ? [{ label: 'tried after', points: after, dashed: true, colour: 'var(--series-7)' }] : []),
  ];
}

const columns: readonly Column<Step>[] = [
  { key: 'number', header: 'Pick', width: '4rem', align: 'right', cell: ({ number }) => number },
  {
    key: 'run',
    header: 'Run',
    width: 'minmax(10rem, 1fr)',
    cell: ({ run, runName }) =>
      run ? (
        <Link href={routes.run(run.id)}>
          <Name>{runName}</Name>
        </Link>
      ) : (
        <span className={styles.out}>
          <Name>{runName}</Name>
        </span>
      ),
  },
  { key: 'error', header: 'Error rate', width: '7rem', align: 'right', cell: ({ errorRate }) => percent(errorRate) },
  { key: 'loss', header: 'Log loss', width: '7rem', align: 'right', cell: ({ logLoss }) => significant(logLoss, 4) },
  {
    key: 'kept',
    header: 'In the ensemble',
    width: '8rem',
    cell: ({ kept }) => (kept ? 'yes' : <span className={styles.out}>no</span>),
  },
];
