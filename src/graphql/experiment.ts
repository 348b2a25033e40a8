import { createExperiment, updateExperiment } from '../commands/experiment.ts';
import { deleteExperiment } from '../commands/removal.ts';
import { cursorAtSnapshot } from '../events/positions.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { experimentCursor, findExperiment, listExperiments } from '../store/experiment.ts';
import { listMetricNames } from '../store/experimentFigures.ts';
import { idOrName, within } from './arguments.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { runConnection } from './runConnection.ts';

export const experimentResolvers: Resolvers = {
  Query: {
    experiments: async (_, { search, ...args }, { db }) =>
      connection(await listExperiments(db, { search: search ?? null }, pageRequest(args)), experimentCursor),
    experiment: (_, args, { db }) => findExperiment(db, idOrName(args)),
  },
  Mutation: {
    createExperiment: (_, { input }, { commands, loaders }) =>
      payload('experiment', async () => loadCreated(loaders.experiment, await createExperiment(commands, input))),
    updateExperiment: (_, { input }, { commands, loaders }) =>
      payload('experiment', async () => {
        await updateExperiment(commands, input);
        return loadExisting(loaders.experiment.clear(input.id), input.id);
      }),
    deleteExperiment: (_, { id }, { commands, loaders }) =>
      payload('deletedId', async () => {
        await deleteExperiment(commands, id);
        loaders.experiment.clear(id);
        return id;
      }),
  },
  Experiment: {
    dataset: ({ datasetId }, _, { loaders }) => (datasetId ? loaders.dataset.load(datasetId) : null),
    runCount: async ({ id }, _, { loaders }) => (await loaders.runCountOfExperiment.load(id)) ?? 0,
    runCounts: ({ id }, _, { loaders }) => loaders.runCountsOfExperiment.load(id),
    bestHistory: async ({ id }, { maxPoints }, { loaders }) => {
      const most = within('maxPoints', maxPoints ?? 50, 2, 1000);
      return thinned(await loaders.bestHistoryOfExperiment.load(id), most);
    },
    metricNames: ({ id }, _, { db }) => listMetricNames(db, id),
    bestRun: async ({ id }, _, { loaders }) => {
      const runId = await loaders.bestRunIdOfExperiment.load(id);
      return runId ? loaders.run.load(runId) : null;
    },
    storage: async ({ id, quota }, _, { loaders }) => ({
      bytes: (await loaders.bytesOfExperiment.load(id)) ?? 0,
      quota,
    }),
    eventCursor: ({ snapshot }) => cursorAtSnapshot(snapshot),
    runs: ({ id }, args, { db }) => runConnection(db, { experimentId: id }, args),
  },
};

/** At most `most` of them, at equal distances, the first and the last among them. */
function thinned<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}
