import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { mostCompared } from '../../domain/mostCompared.ts';
import { bytes, count, duration, metric } from '../../format/numbers.ts';
import { SweepCancelDocument, type SweepRunFragment } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { toasts } from '../../ui/toasts.ts';
import { useSearch } from '../../ui/useSearch.ts';
import { type Objective, readSorting, scoreOf, sortRuns } from './runRows.ts';
import styles from './Sweep.module.css';
import { type Sweep, useSweep } from './useSweep.ts';

export function SweepPage({ id }: { readonly id: string }) {
  const { sweep, runs, underWay, error, refetch, again } = useSweep(id);
  const [asking, ask] = useState(false);
  if (error && !sweep) return <Failure error={error} onRetry={refetch} />;
  if (sweep === undefined) return <Skeleton height="70vh" />;
  if (sweep === null) return <NotThere what="sweep" />;
  const { experiment } = sweep;
  const trail = [
    { to: routes.experiments, label: 'Experiments' },
    { to: routes.experiment(experiment.id), label: experiment.name },
  ];
  return (
    <>
      <PageHead
        title={sweep.name}
        trail={trail}
        actions={
          <>
            <ButtonLink to={`${routes.experiment(experiment.id)}?filter=${encodeURIComponent(`sweep = ${id}`)}`}>
              Its leaderboard
            </ButtonLink>
            {underWay && (
              <ForWriters>
                <Button look="danger" onClick={() => ask(true)} disabled={sweep.status === 'CANCELING'}>
                  Cancel sweep
                </Button>
              </ForWriters>
            )}
          </>
        }
      >
        <Status of={sweep.status} />
        <span>
          Sweep, started <Moment at={sweep.createdAt} />
        </span>
      </PageHead>
      <Stack>
        <Panel>
          <Advance sweep={sweep} />
        </Panel>
        {runs.error && <Failure error={runs.error} onRetry={runs.refetch} />}
        {runs.first === undefined && !runs.error && <Skeleton height="20rem" />}
        {runs.first !== undefined && <Runs rows={runs.rows} objective={experiment.objective} sweepId={id} />}
      </Stack>
      {asking && <CancelDialog id={id} onClose={() => ask(false)} onDone={again} />}
    </>
  );
}

/** How many runs have ended, and how. */
function Advance({ sweep: { runCounts } }: { readonly sweep: Sweep }) {
  const total = runCounts.reduce((sum, one) => sum + one.count, 0);
  const ended = runCounts
    .filter(({ status }) => ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(status))
    .reduce((sum, one) => sum + one.count, 0);
  return (
    <Stack>
      <Progress label="Runs that have ended" text={`${ended} of ${total}`} share={total ? ended / total : 0} />
      <ul className={styles.counts}>
        {runCounts.map(({ status, count: number }) => (
          <li key={status}>
            <Status of={status} /> {count(number)}
          </li>
        ))}
      </ul>
    </Stack>
  );
}

function Runs({
  rows,
  objective,
  sweepId,
}: {
  readonly rows: readonly SweepRunFragment[];
  readonly objective: Objective;
  readonly sweepId: string;
}) {
  const [get, set] = useSearch();
  const sort = get('sort');
  const sorting = useMemo(() => readSorting(sort), [sort]);
  const sorted = useMemo(() => sortRuns(rows, sorting, objective), [rows, sorting, objective]);
  const columns = useMemo(() => columnsOf(objective, sweepId), [objective, sweepId]);
  const [selected, select] = useState<ReadonlySet<string>>(new Set());
  const chosen = selected.size ? sorted.filter((run) => selected.has(run.id)) : sorted;
  const compared = chosen.slice(0, mostCompared);
  return (
    <Panel
      title="Runs"
      actions={
        rows.length > 1 && (
          <ButtonLink small to={routes.compare(compared.map((run) => run.id))}>
            {compareWords(compared.length, chosen.length, rows.length)}
          </ButtonLink>
        )
      }
    >
      <DataTable
        label="Runs of the sweep"
        columns={columns}
        rows={sorted}
        rowKey={(run) => run.id}
        rowLabel={(run) => run.name}
        sorting={sorting}
        onSort={({ key, direction }) => set({ sort: `${key}:${direction}` })}
        selected={selected}
        onSelect={select}
      />
    </Panel>
  );
}

function compareWords(compared: number, chosen: number, all: number): string {
  if (compared < chosen) return `Compare the first ${compared}`;
  return chosen < all ? `Compare ${compared}` : 'Compare all';
}

function columnsOf(objective: Objective, sweepId: string): readonly Column<SweepRunFragment>[] {
  return [
    {
      key: 'name',
      header: 'Run',
      width: 'minmax(14rem, 1fr)',
      sortable: true,
      cell: (run) => (
        <Link href={routes.run(run.id)}>
          <Name>{run.name}</Name>
        </Link>
      ),
    },
    {
      key: 'status',
      header: 'Status',
      width: '8.5rem',
      sortable: true,
      cell: ({ status }) => <Status of={status} />,
    },
    { key: 'progress', header: 'Progress', width: '13rem', cell: (run) => <Standing run={run} sweepId={sweepId} /> },
    {
      key: 'score',
      header: objective.metric,
      width: '9rem',
      align: 'right',
      sortable: true,
      cell: (run) => metric(objective.metric, scoreOf(run, objective)),
    },
    {
      key: 'seconds',
      header: 'Training',
      width: '8rem',
      align: 'right',
      sortable: true,
      cell: ({ trainSeconds }) => duration(trainSeconds),
    },
    {
      key: 'memory',
      header: 'Peak memory',
      width: '8rem',
      align: 'right',
      sortable: true,
      cell: ({ peakMemory }) => bytes(peakMemory),
    },
  ];
}

/** In short: how far it is, why it failed, or that another sweep trained it. */
function Standing({ run, sweepId }: { readonly run: SweepRunFragment; readonly sweepId: string }) {
  const { status, failure, progress } = run;
  if (failure) return <Name>{failure.message}</Name>;
  if (status === 'RUNNING' && progress) {
    const left = progress.etaSeconds === null ? '' : `, ${duration(progress.etaSeconds)} left`;
    return `epoch ${Math.min(progress.epoch + 1, progress.epochs)} of ${progress.epochs}${left}`;
  }
  return run.sweep?.id === sweepId ? null : 'trained before this sweep';
}

function CancelDialog({
  id,
  onClose,
  onDone,
}: {
  readonly id: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const cancel = useApiMutation(SweepCancelDocument);
  const confirm = async () => {
    const { cancelSweep } = await cancel.mutateAsync({ id });
    for (const { message } of cancelSweep.userErrors) toasts.refuse(message);
    onDone();
    onClose();
  };
  return (
    <Confirm
      title="Cancel this sweep?"
      action="Cancel its runs"
      busy={cancel.isPending}
      onConfirm={() => void confirm().catch((error: Error) => toasts.refuse(error.message))}
      onClose={onClose}
    >
      Its runs that wait or train end now. Runs that were trained before this sweep go on, and what has been measured
      stays.
    </Confirm>
  );
}
