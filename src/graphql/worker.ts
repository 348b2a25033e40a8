import type { Resolvers } from '../generated/graphql.ts';
import { isOnline, listWorkers } from '../store/worker.ts';
import { loadExisting } from './loaders.ts';

export const workerResolvers: Resolvers = {
  Query: {
    workers: (_, _args, { db, commands }) => listWorkers(db, commands.now()),
  },
  Worker: {
    online: (worker, _, { commands }) => isOnline(worker, commands.now()),
    currentRuns: ({ currentRunIds }, _, { loaders }) =>
      Promise.all(currentRunIds.map((id) => loadExisting(loaders.run, id))),
  },
  DeviceProcess: {
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
  },
};
