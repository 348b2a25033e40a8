import type { PageRequest } from '../domain/page.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { type LeaderboardQuery, readLeaderboard } from '../store/leaderboard.ts';
import type { Queryable } from '../store/queryable.ts';
import { connection, pageRequest } from './connection.ts';

export const leaderboardResolvers: Resolvers = {
  Experiment: {
    leaderboard: ({ id }, { first, after, ...query }, { db }) =>
      leaderboardConnection(db, { ...query, experimentId: id }, pageRequest({ first, after })),
  },
  LeaderboardEntry: {
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
    ensemble: ({ ensembleId }, _, { loaders }) => (ensembleId ? loaders.ensemble.load(ensembleId) : null),
  },
};

async function leaderboardConnection(db: Queryable, query: LeaderboardQuery, page: PageRequest) {
  const { edges, ...rest } = connection(await readLeaderboard(db, query, page), ({ cursor }) => cursor);
  return { ...rest, edges: edges.map((edge) => ({ ...edge, rank: edge.node.rank })) };
}
