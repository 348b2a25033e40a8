import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useApiQuery, useSubscription } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import {
  MachinesMemoryDocument,
  MachinesPageDocument,
  type MachinesPageQuery,
  MachinesQueueLengthDocument,
} from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { deviceHistory } from './deviceHistory.ts';
import { NoWorkers } from './NoWorkers.tsx';
import { Queue } from './Queue.tsx';
import { WorkerPanel } from './WorkerPanel.tsx';

/** Workers and what they compute on, and what waits for them. */
export function MachinesPage() {
  const [get] = useSearch();
  const view = get('view') === 'queue' ? 'queue' : 'machines';
  const { data, error, refetch } = useWorkers();
  const queue = useApiQuery(MachinesQueueLengthDocument, {}, { every: 5_000 });
  const queueLength = queue.data?.runs.totalCount;
  const online = data?.workers.filter((worker) => worker.online).length;
  return (
    <>
      <PageHead title="Machines">
        {online !== undefined && (
          <span>
            {count(online)} {online === 1 ? 'worker' : 'workers'} online
          </span>
        )}
      </PageHead>
      <Tabs
        label="Parts of the view"
        tabs={[
          { key: 'machines', label: 'Workers', to: routes.machines },
          {
            key: 'queue',
            label: queueLength === undefined ? 'Queue' : `Queue (${count(queueLength)})`,
            to: `${routes.machines}?view=queue`,
          },
        ]}
        current={view}
      />
      <Stack>
        {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
        {view === 'queue' ? (
          <Queue idle={online === 0} />
        ) : (
          <>
            {!data && !error && <Skeleton height="32rem" />}
            {data?.workers.length === 0 && <NoWorkers />}
            {inOrder(data?.workers ?? []).map((worker) => (
              <WorkerPanel key={worker.id} worker={worker} />
            ))}
          </>
        )}
      </Stack>
    </>
  );
}

type Worker = MachinesPageQuery['workers'][number];

/** Workers, each as it has reported last; what their devices report is kept for the charts. */
function useWorkers() {
  const queryClient = useQueryClient();
  const [, redraw] = useState(0);
  // Whether a worker is online is for the server to say, and a lost one says nothing.
  const query = useApiQuery(MachinesPageDocument, {}, { every: 5_000 });
  useEffect(() => {
    if (!query.data) return;
    for (const worker of query.data.workers) deviceHistory.note(worker);
    deviceHistory.keep(new Set(query.data.workers.map(({ id }) => id)));
    redraw((times) => times + 1);
  }, [query.data]);
  useSubscription(
    MachinesMemoryDocument,
    () => ({}),
    ({ deviceMemory }) => {
      queryClient.setQueryData<MachinesPageQuery>(
        ['MachinesPage', {}],
        (before) => before && replaced(before, deviceMemory),
      );
    },
    { key: 'all' },
  );
  return query;
}

function replaced({ workers }: MachinesPageQuery, newest: Worker): MachinesPageQuery {
  const known = workers.some(({ id }) => id === newest.id);
  return {
    workers: known ? workers.map((worker) => (worker.id === newest.id ? newest : worker)) : [newest, ...workers],
  };
}

function inOrder(workers: readonly Worker[]): readonly Worker[] {
  return [...workers].sort((a, b) => Number(b.online) - Number(a.online) || a.host.localeCompare(b.host));
}
