import { retryRun } from '../commands/retryRun.ts';
import { cancelRun, deleteRun, startRun, updateRun } from '../commands/run.ts';
import { Positions } from '../events/positions.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { findLogLines } from '../store/log.ts';
import { memorySeries } from '../store/memory.ts';
import { metricHistory } from '../store/metric.ts';
import { findRun } from '../store/run.ts';
import { stepRange, within } from './arguments.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import type { SkippedImagesRow } from './rows.ts';
import { runConnection } from './runConnection.ts';

export const runResolvers: Resolvers = {
  Query: {
    runs: (_, args, { db }) => runConnection(db, {}, args),
    run: (_, { id }, { db }) => findRun(db, id),
  },
  Mutation: {
    startRun: (_, { input }, { commands, loaders }) =>
      payload('run', async () => loadCreated(loaders.run, await startRun(commands, input))),
    cancelRun: (_, { id }, { commands, loaders }) =>
      payload('run', async () => {
        await cancelRun(commands, id);
        return loadExisting(loaders.run, id);
      }),
    retryRun: (_, { id }, { commands, loaders }) =>
      payload('run', async () => {
        await retryRun(commands, id);
        return loadExisting(loaders.run.clear(id), id);
      }),
    updateRun: (_, { input }, { commands, loaders }) =>
      payload('run', async () => {
        await updateRun(commands, input);
        return loadExisting(loaders.run.clear(input.id), input.id);
      }),
    deleteRun: (_, { id }, { commands, loaders }) =>
      payload('deletedId', async () => {
        await deleteRun(commands, id);
        loaders.run.clear(id);
        return id;
      }),
  },
  Run: {
    experiment: ({ experimentId }, _, { loaders }) => loadExisting(loaders.experiment, experimentId),
    sweep: ({ sweepId }, _, { loaders }) => (sweepId ? loaders.sweep.load(sweepId) : null),
    memoryProbe: ({ id, kind }, _, { loaders }) => (kind === 'MEMORY_PROBE' ? loaders.probeOfRun.load(id) : null),
    eventCursor: ({ id, eventSeq }) => new Positions([], [[id, eventSeq]]).cursor(),
    attempts: ({ id }, _, { loaders }) => loaders.attemptsOfRun.load(id),
    epochs: ({ id }, _, { loaders }) => loaders.epochsOfRun.load(id),
    metrics: ({ id }, { names }, { loaders }) => loaders.metricsOfRun(names ?? undefined).load(id),
    metricHistory: ({ id }, { names, maxPoints, ...steps }, { db }) =>
      metricHistory(db, id, {
        names: names ?? undefined,
        maxPoints: within('maxPoints', maxPoints ?? 1000, 2, 10_000),
        steps: stepRange(steps),
      }),
    memory: ({ id }, { maxPoints, ...steps }, { db }) =>
      memorySeries(db, id, within('maxPoints', maxPoints ?? 500, 2, 10_000), stepRange(steps)),
    skippedImages: ({ skippedImages }): SkippedImagesRow | null => skippedImages,
    predictions: async ({ id }, _, { loaders }) => (await loaders.predictionSetsOfRun.load(id)) ?? [],
    logs: async ({ id }, { afterSeq, first }, { db }) => {
      const limit = within('first', first ?? 200, 1, 1000);
      const lines = await findLogLines(db, id, { afterSeq: afterSeq ?? 0, limit: limit + 1 });
      return { nodes: lines.slice(0, limit), hasNextPage: lines.length > limit };
    },
  },
  RunConnection: {
    totalCount: ({ count }) => count(),
  },
  SkippedImages: {
    count: (images) => images.length,
    images: (images, { first }) => images.slice(0, within('first', first ?? 100, 1, 1000)),
  },
  Attempt: {
    worker: ({ workerId }, _, { loaders }) => (workerId ? loaders.worker.load(workerId) : null),
  },
};
