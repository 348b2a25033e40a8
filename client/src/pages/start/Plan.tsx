import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Measurement } from '../../domain/measurements.ts';
import { type Size, sizeText } from '../../domain/typed.ts';
import { bytes } from '../../format/numbers.ts';
import type { StartPlanQuery } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { classes } from '../../ui/classes.ts';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { problemText } from './problems.ts';
import styles from './Start.module.css';

type Planned = StartPlanQuery['sweepPlan']['runs'][number];

/** Every run that would be queued, what it would need, and what is wrong with it. */
export function Plan({
  plan: { data, error, refetch },
  ready,
  ...rest
}: Omit<PlanTableProps, 'runs'> & {
  readonly plan: UseQueryResult<StartPlanQuery>;
  /** Whether enough is filled in to ask for a plan. */
  readonly ready: boolean;
}) {
  if (!ready && !data) return <p className={styles.hint}>Told as soon as the form is filled in without mistakes.</p>;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="6rem" />;
  const { runs, problems } = data.sweepPlan;
  if (!runs.length) {
    return (
      <>
        <p className={styles.hint}>Nothing, as it stands.</p>
        {problems.map((problem) => (
          <p key={problemText(problem)} className={styles.problem}>
            <bdi>{problemText(problem)}</bdi>
          </p>
        ))}
      </>
    );
  }
  return (
    <>
      {runs.length > 1 && <Tally runs={runs} />}
      <PlanTable runs={runs} {...rest} />
    </>
  );
}

/** `12 runs: 9 to train, 2 trained before, 1 wrong` */
function Tally({ runs }: { readonly runs: readonly Planned[] }) {
  const wrong = runs.filter(({ problems }) => problems.length > 0).length;
  const known = runs.filter(({ problems, duplicateOf }) => !problems.length && duplicateOf).length;
  const parts = [
    `${runs.length - wrong - known} to train`,
    known > 0 && `${known} trained before`,
    wrong > 0 && `${wrong} wrong`,
  ];
  return (
    <p className={styles.hint} role="status">
      {runs.length} runs: {parts.filter(Boolean).join(', ')}
    </p>
  );
}

interface PlanTableProps {
  readonly runs: readonly Planned[];
  /** Newest first. */
  readonly measured: readonly Measurement[];
  /** A run by itself is queued even when there is one with its config. */
  readonly single: boolean;
  /** The form has moved on. */
  readonly outdated: boolean;
}

function PlanTable({ runs, measured, single, outdated }: PlanTableProps) {
  return (
    <section
      className={classes(styles.plan, outdated && styles.outdated)}
      aria-busy={outdated}
      aria-label="Planned runs"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
      tabIndex={0}
    >
      <table aria-label="What will be queued">
        <thead>
          <tr>
            <th scope="col" className={styles.number}>
              #
            </th>
            <th scope="col">Run</th>
            <th scope="col" className={styles.number}>
              Memory
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the plan is its order
            <tr key={index}>
              <td className={styles.number}>{index + 1}</td>
              <td>
                <Name whole>{run.name}</Name>
                <Outcome run={run} single={single} />
              </td>
              <td className={styles.number}>
                <ExpectedMemory run={run} measured={measured} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Outcome({ run: { problems, duplicateOf }, single }: { readonly run: Planned; readonly single: boolean }) {
  if (problems.length) {
    return problems.map((problem) => (
      <span key={problemText(problem)} className={classes(styles.outcome, styles.wrong)}>
        <bdi>{problemText(problem)}</bdi>
      </span>
    ));
  }
  if (!duplicateOf) return null;
  return (
    <span className={styles.outcome}>
      {single ? 'Trained before as ' : 'Not queued again, shows '}
      <Link href={routes.run(duplicateOf.id)}>
        <Name whole>{duplicateOf.name}</Name>
      </Link>
    </span>
  );
}

interface Planning {
  readonly architecture: string;
  readonly size: Size;
  readonly precision: string;
  readonly effectiveBatchSize: number;
  readonly accumulation: number;
}

function ExpectedMemory({ run, measured }: { readonly run: Planned; readonly measured: readonly Measurement[] }) {
  if (!run.config) return null;
  const { architecture, size, precision, effectiveBatchSize, accumulation } = run.config as unknown as Planning;
  const micro = effectiveBatchSize / accumulation;
  const known = measured.find(
    (one) =>
      one.architecture === architecture &&
      sizeText(one.size) === sizeText(size) &&
      one.precision === precision &&
      one.microBatchSize === micro,
  );
  if (!known) return <span title="No memory probe has measured this">–</span>;
  return (
    <Link href={routes.probe(known.probeId)} title={`Measured on ${known.device || 'a worker'}`}>
      {known.complete ? '' : 'over '}
      {bytes(known.peakMemory)}
    </Link>
  );
}
