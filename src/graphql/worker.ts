import { missing, refuse } from '../errors.ts';
import { persist } from '../events/persist.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { getWorkers, isOnline, listWorkers } from '../store/worker.ts';
import { within } from './arguments.ts';
import { loadExisting } from './loaders.ts';
import { mapAsync } from './mapAsync.ts';

export const workerResolvers: Resolvers = {
  Query: {
    workers: (_, _args, { db, commands }) => listWorkers(db, commands.now()),
  },
  Subscription: {
    deviceMemory: {
      subscribe: async (_, { workerId }, { db, commands, workerFeed }) => {
        const known = workerId ? await getWorkers(db, [workerId]) : null;
        if (known?.size === 0) throw refuse('NOT_FOUND', missing('worker', workerId!), ['workerId']);
        const initial = known?.keys() ?? (await listWorkers(db, commands.now())).map(({ id }) => id);
        return mapAsync(workerFeed.subscribe(workerId ?? null, initial), async (id, signal) => {
          const worker = (await persist(() => getWorkers(db, [id]), signal, Number.POSITIVE_INFINITY)).get(id);
          return worker ? { deviceMemory: worker } : null;
        });
      },
    },
  },
  Worker: {
    online: (worker, _, { commands }) => isOnline(worker, commands.now()),
    currentRuns: ({ currentRunIds }, _, { loaders }) =>
      Promise.all(currentRunIds.map((id) => loadExisting(loaders.run, id))),
  },
  Device: {
    history: async ({ workerId, index }, { maxPoints }, { loaders }) => {
      const samples = loaders.samplesOfWorker(within('maxPoints', maxPoints ?? 300, 2, 1800));
      return (await samples.load(workerId)).filter((sample) => sample.index === index);
    },
  },
  DeviceProcess: {
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
  },
};
