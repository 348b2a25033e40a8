import { deleteDataset, importDataset } from '../commands/dataset.ts';
import { cancelImport, retryImport } from '../commands/datasetImport.ts';
import { smallestLabel } from '../domain/dataset.ts';
import type { Resolvers } from '../generated/graphql.ts';
import {
  datasetCursor,
  findDataset,
  listDatasets,
  listProblems,
  listSamples,
  problemCursor,
  sampleCursor,
} from '../store/dataset.ts';
import { countImageSizes } from '../store/datasetCounts.ts';
import { experimentCursor, listExperiments } from '../store/experiment.ts';
import { idOrName } from './arguments.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { mapAsync } from './mapAsync.ts';
import { payload } from './payload.ts';
import { thumbnailUrl } from './urls.ts';

export const datasetResolvers: Resolvers = {
  Query: {
    datasets: async (_, { search, ...args }, { db }) =>
      connection(await listDatasets(db, { search: search ?? null }, pageRequest(args)), datasetCursor),
    dataset: (_, args, { db }) => findDataset(db, idOrName(args)),
  },
  Mutation: {
    importDataset: (_, { input }, { commands, loaders }) =>
      payload('dataset', async () => loadCreated(loaders.dataset, await importDataset(commands, input))),
    cancelImport: (_, { id }, { commands, loaders }) =>
      payload('dataset', async () => {
        await cancelImport(commands, id);
        return loadExisting(loaders.dataset.clear(id), id);
      }),
    retryImport: (_, { id }, { commands, loaders }) =>
      payload('dataset', async () => {
        await retryImport(commands, id);
        return loadExisting(loaders.dataset.clear(id), id);
      }),
    deleteDataset: (_, { id }, { commands, loaders }) =>
      payload('deletedId', async () => {
        await deleteDataset(commands, id);
        loaders.dataset.clear(id);
        return id;
      }),
  },
  Subscription: {
    datasetImport: {
      subscribe: async (_, { id }, { importFeed }) =>
        mapAsync(await importFeed.subscribe(id), (dataset) => ({ datasetImport: dataset })),
    },
  },
  Dataset: {
    path: (dataset) => dataset.root,
    labelCounts: async ({ id }, _, { loaders }) => (await loadExisting(loaders.imageCounts, id)).labelCounts,
    smallestLabel: async ({ id }, _, { loaders }) =>
      smallestLabel((await loadExisting(loaders.imageCounts, id)).labelCounts),
    trainCount: async ({ id }, _, { loaders }) => (await loadExisting(loaders.imageCounts, id)).trainCount,
    testCount: async ({ id }, _, { loaders }) => (await loadExisting(loaders.imageCounts, id)).testCount,
    holdoutCount: async ({ id }, _, { loaders }) => (await loadExisting(loaders.imageCounts, id)).holdoutCount,
    imageSizes: ({ id }, _, { db }) => countImageSizes(db, id),
    problems: async ({ id }, args, { db }) =>
      connection(await listProblems(db, id, pageRequest(args, 50)), problemCursor),
    problemCounts: ({ id }, _, { loaders }) => loaders.problemCountsOfDataset.load(id),
    samples: async ({ id }, { split, label, ...args }, { db }) =>
      connection(await listSamples(db, id, { split, label: label ?? null }, pageRequest(args, 24)), sampleCursor),
    experimentCount: async ({ id }, _, { loaders }) => (await loaders.experimentCountOfDataset.load(id)) ?? 0,
    experiments: async ({ id }, args, { db }) =>
      connection(await listExperiments(db, { datasetId: id }, pageRequest(args)), experimentCursor),
  },
  Sample: {
    id: ({ datasetId, position }) => `${datasetId}.${position}`,
    thumbnailUrl,
  },
};
