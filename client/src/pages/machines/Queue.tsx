import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { MachinesQueueDocument, type MachinesQueueQuery } from '../../generated/operations.ts';
import { useMayWrite } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Row, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { CancelDialog } from './CancelDialog.tsx';
import { inOrder, progressOf } from './queue.ts';
import { RunLink } from './RunLink.tsx';

type Waiting = MachinesQueueQuery['runs']['nodes'][number];

const columns: readonly Column<Waiting>[] = [
  { key: 'status', header: 'Status', width: '7.5rem', cell: ({ status }) => <Status of={status} /> },
  {
    key: 'run',
    header: 'Run',
    width: 'minmax(12rem, 2fr)',
    cell: (run) => <RunLink run={run} />,
  },
  {
    key: 'kind',
    header: 'Kind',
    width: '9rem',
    cell: ({ kind }) => (kind === 'MEMORY_PROBE' ? 'Memory probe' : 'Training'),
  },
  {
    key: 'experiment',
    header: 'Experiment',
    width: 'minmax(10rem, 1fr)',
    cell: ({ experiment }) => (
      <Link href={routes.experiment(experiment.id)}>
        <Name>{experiment.name}</Name>
      </Link>
    ),
  },
  { key: 'progress', header: 'Progress', width: '15rem', cell: (run) => <Standing run={run} /> },
  { key: 'created', header: 'Created', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

function Standing({ run: { status, progress, nextAttemptAt } }: { readonly run: Waiting }) {
  if (status === 'QUEUED') {
    return nextAttemptAt === null ? null : (
      <>
        tried again <Moment at={nextAttemptAt} />
      </>
    );
  }
  if (!progress) return null;
  const { share, text } = progressOf(progress);
  return <Progress label="Progress" hideLabel share={share} text={text} />;
}

const pageOf = (data: MachinesQueueQuery) => data.runs;

/** Runs and memory probes of all experiments that are under way or wait. `idle`: there is no worker that could begin them. */
export function Queue({ idle }: { readonly idle: boolean }) {
  const active = useApiPages(MachinesQueueDocument, { filter: 'status in (RUNNING, CANCELING)', first: 100 }, pageOf, {
    every: 2_000,
  });
  const queued = useApiPages(MachinesQueueDocument, { filter: 'status = QUEUED', first: 100 }, pageOf, {
    every: 4_000,
  });
  const runs = useMemo(() => inOrder(active.rows, queued.rows), [active.rows, queued.rows]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const mayWrite = useMayWrite();
  const chosen = runs.filter(({ id }) => selected.has(id));
  const error = active.error ?? queued.error;
  const known = active.first !== undefined && queued.first !== undefined;
  const refetch = () => {
    active.refetch();
    queued.refetch();
  };

  if (!known && error) return <Failure error={error} onRetry={refetch} />;
  if (!known) return <Skeleton height="24rem" />;
  if (runs.length === 0) {
    return (
      <Empty title="Nothing is under way">
        <p>Runs, sweeps and memory probes of all experiments stand here from when they are started until they end.</p>
      </Empty>
    );
  }
  return (
    <Stack>
      {idle && (
        <Notice tone="warn" title="No worker is online">
          Nothing begins before one is.
        </Notice>
      )}
      <Row>
        <span>
          {count(active.first?.runs.totalCount)} under way, {count(queued.first?.runs.totalCount)} waiting
        </span>
        {mayWrite && (
          <Button look="danger" small disabled={chosen.length === 0} onClick={() => setAsking(true)}>
            Cancel{chosen.length > 0 && ` ${count(chosen.length)}`}
          </Button>
        )}
      </Row>
      <DataTable
        label="Queue"
        columns={columns}
        rows={runs}
        rowKey={({ id }) => id}
        rowLabel={({ name }) => name}
        // Nothing but canceling can be done with those that are selected.
        {...(mayWrite && { selected, onSelect: setSelected })}
        onNearEnd={queued.loadMore}
        total={runs.length - queued.rows.length + (queued.first?.runs.totalCount ?? 0)}
      />
      {asking && (
        <CancelDialog
          runs={chosen}
          onChange={() => {
            setSelected(new Set());
            refetch();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </Stack>
  );
}
