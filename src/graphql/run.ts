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

/** Lines of a log at once. */
const mostLines = 1000;

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
    logs: async ({ id, logSeq }, { first, last, ...args }, { db }) => {
      const newest = last != null;
      const limit = newest ? within('last', last, 1, mostLines) : within('first', first ?? 200, 1, mostLines);
      const [afterSeq, beforeSeq] = [args.afterSeq ?? undefined, args.beforeSeq ?? undefined];
      const search = args.search ?? undefined;
      const lines = await findLogLines(db, id, { afterSeq, beforeSeq, search, limit: limit + 1, newest });
      const more = lines.length > limit;
      const nodes = newest ? lines.slice(-limit) : lines.slice(0, limit);
      return { nodes, hasNextPage: !newest && more, hasPreviousPage: newest && more, lastSeq: logSeq };
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
