import { listPredictionRows, type PredictionRowPage } from '../commands/predictionRows.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { connection, pageRequest } from './connection.ts';
import { loadExisting } from './loaders.ts';
import { storedScore } from './score.ts';
import { predictionSetUrl, thumbnailUrl } from './urls.ts';

export function predictionRowConnection(page: PredictionRowPage) {
  return { ...connection(page, ({ cursor }) => cursor), totalCount: page.totalCount };
}

export const predictionResolvers: Resolvers = {
  PredictionSet: {
    run: ({ runId }, _, { loaders }) => loadExisting(loaders.run, runId),
    downloadUrl: ({ id }) => predictionSetUrl(id),
    rows: async (set, { first, after, ...choice }, { commands }) =>
      predictionRowConnection(await listPredictionRows(commands, set, pageRequest({ first, after }, 50), choice)),
    score: (set, _, context) => storedScore(set, context),
  },
  PredictionRow: {
    thumbnailUrl: ({ sample }) => (sample ? thumbnailUrl(sample) : null),
  },
};
