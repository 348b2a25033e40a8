import { cancelSweep, startSweep } from '../commands/sweep.ts';
import { combinedStatus } from '../domain/sweep.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { runConnection } from './runConnection.ts';

export const sweepResolvers: Resolvers = {
  Mutation: {
    startSweep: (_, { input }, { commands, loaders }) =>
      payload('sweep', async () => loadExisting(loaders.sweep, await startSweep(commands, input))),
    cancelSweep: (_, { id }, { commands, loaders }) =>
      payload('sweep', async () => {
        await cancelSweep(commands, id);
        return loadExisting(loaders.sweep, id);
      }),
  },
  Sweep: {
    experiment: ({ experimentId }, _, { loaders }) => loadExisting(loaders.experiment, experimentId),
    status: async ({ id }, _, { loaders }) => combinedStatus(await loaders.runCountsOfSweep.load(id)),
    runCounts: ({ id }, _, { loaders }) => loaders.runCountsOfSweep.load(id),
    runs: ({ id }, args, { db }) => runConnection(db, { sweepId: id }, args),
  },
};
