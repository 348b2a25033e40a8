import { cancelSweep, startSweep } from '../commands/sweep.ts';
import { planSweep } from '../commands/sweepPlan.ts';
import { parseFilter } from '../domain/filter.ts';
import { combinedStatus } from '../domain/sweep.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { filterSql } from '../store/filterSql.ts';
import { countChosenRuns } from '../store/runList.ts';
import { listSweepRuns, listSweeps, sweepCursor, sweepRunCursor } from '../store/sweep.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { runConnection } from './runConnection.ts';

export const sweepResolvers: Resolvers = {
  Query: {
    sweepPlan: (_, { input }, { db }) => planSweep(db, input),
  },
  Mutation: {
    startSweep: (_, { input }, { commands, loaders }) =>
      payload('sweep', async () => loadCreated(loaders.sweep, await startSweep(commands, input))),
    cancelSweep: (_, { id }, { commands, loaders }) =>
      payload('sweep', async () => {
        await cancelSweep(commands, id);
        return loadExisting(loaders.sweep, id);
      }),
  },
  Experiment: {
    sweeps: async ({ id }, args, { db }) => connection(await listSweeps(db, id, pageRequest(args)), sweepCursor),
  },
  Sweep: {
    experiment: ({ experimentId }, _, { loaders }) => loadExisting(loaders.experiment, experimentId),
    status: async ({ id }, _, { loaders }) => combinedStatus(await loaders.runCountsOfSweep.load(id)),
    runCounts: ({ id }, _, { loaders }) => loaders.runCountsOfSweep.load(id),
    runs: async ({ id }, args, { db }) => {
      if (args.orderBy) return runConnection(db, { sweepId: id }, args);
      const where = args.filter ? filterSql(parseFilter(args.filter, ['filter'])) : undefined;
      const page = await listSweepRuns(db, id, { where, ...pageRequest(args) });
      return { ...connection(page, sweepRunCursor), count: () => countChosenRuns(db, { sweepId: id, where }) };
    },
  },
  PlannedRun: {
    duplicateOf: ({ duplicateOf }, _, { loaders }) => (duplicateOf === null ? null : loaders.run.load(duplicateOf)),
  },
};
