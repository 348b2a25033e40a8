import type { Resolvers } from '../generated/graphql.ts';
import { listPredictionRows, type PredictionRow } from '../store/prediction.ts';
import { connection, pageRequest } from './connection.ts';
import { loadExisting } from './loaders.ts';
import { storedScore } from './score.ts';
import { predictionSetUrl, thumbnailUrl } from './urls.ts';

export const predictionRowCursor = (row: PredictionRow) => row.cursor;

export const predictionResolvers: Resolvers = {
  PredictionSet: {
    run: ({ runId }, _, { loaders }) => loadExisting(loaders.run, runId),
    downloadUrl: ({ id }) => predictionSetUrl(id),
    rows: async (set, args, { db }) =>
      connection(await listPredictionRows(db, set, pageRequest(args, 50)), predictionRowCursor),
    score: (set, _, context) => storedScore(set, context),
  },
  PredictionRow: {
    thumbnailUrl: ({ sample }) => (sample ? thumbnailUrl(sample) : null),
  },
};
