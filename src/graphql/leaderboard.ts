import type { PageRequest } from '../domain/page.ts';
import { persist } from '../events/persist.ts';
import { cursorAtSnapshot } from '../events/positions.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { type LeaderboardQuery, readLeaderboard, readPoints } from '../store/leaderboard.ts';
import type { Queryable } from '../store/queryable.ts';
import { connection, pageRequest } from './connection.ts';
import { requireExperiment } from './loaders.ts';
import { mapAsync, startWith } from './mapAsync.ts';
import type { LeaderboardRow } from './rows.ts';

export const leaderboardResolvers: Resolvers = {
  Experiment: {
    leaderboard: ({ id }, { first, after, ...query }, { db }) =>
      leaderboardConnection(db, { ...query, experimentId: id }, pageRequest({ first, after })),
    points: ({ id }, { first, ...query }, { db }) => readPoints(db, { ...query, experimentId: id }, first ?? 1000),
  },
  LeaderboardConnection: {
    totalCount: ({ count }) => count(),
  },
  LeaderboardEntry: {
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
    ensemble: ({ ensembleId }, _, { loaders }) => (ensembleId ? loaders.ensemble.load(ensembleId) : null),
  },
  Subscription: {
    leaderboardUpdates: {
      subscribe: async (_, { first, ...query }, { db, hub, loaders }) => {
        const { experimentId } = query;
        const { snapshot } = await requireExperiment(loaders, experimentId);
        const after = cursorAtSnapshot(snapshot);
        const changes = hub.subscribe({ experimentId, after, kinds: ['EPOCH', 'STATUS', 'PREDICTIONS'] });
        const read = async () => ({
          leaderboardUpdates: await leaderboardConnection(db, query, pageRequest({ first })),
        });
        return startWith(
          await read(),
          mapAsync(changes, ({ events }, signal) =>
            events.length ? persist(read, signal, Number.POSITIVE_INFINITY) : null,
          ),
        );
      },
    },
  },
};

async function leaderboardConnection(
  db: Queryable,
  query: LeaderboardQuery,
  page: PageRequest,
): Promise<LeaderboardRow> {
  const { count, ...entries } = await readLeaderboard(db, query, page);
  const { edges, ...rest } = connection(entries, ({ cursor }) => cursor);
  return { ...rest, count, edges: edges.map((edge) => ({ ...edge, rank: edge.node.rank })) };
}
