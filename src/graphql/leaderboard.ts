import type { PageRequest } from '../domain/page.ts';
import { persist } from '../events/persist.ts';
import { Positions } from '../events/positions.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { eventHeads } from '../store/event.ts';
import { type LeaderboardQuery, readLeaderboard } from '../store/leaderboard.ts';
import type { Queryable } from '../store/queryable.ts';
import { connection, pageRequest } from './connection.ts';
import { requireExperiment } from './loaders.ts';
import { mapAsync, startWith } from './mapAsync.ts';

export const leaderboardResolvers: Resolvers = {
  Experiment: {
    leaderboard: ({ id }, { first, after, ...query }, { db }) =>
      leaderboardConnection(db, { ...query, experimentId: id }, pageRequest({ first, after })),
  },
  LeaderboardEntry: {
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
    ensemble: ({ ensembleId }, _, { loaders }) => (ensembleId ? loaders.ensemble.load(ensembleId) : null),
  },
  Subscription: {
    leaderboardUpdates: {
      subscribe: async (_, { experimentId, metric, first }, { db, hub, loaders }) => {
        await requireExperiment(loaders, experimentId);
        const after = Positions.at(await eventHeads(db, { experimentId })).cursor();
        const changes = hub.subscribe({ experimentId, after, kinds: ['EPOCH', 'STATUS', 'PREDICTIONS'] });
        const query = { experimentId, metric: metric ?? null };
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

async function leaderboardConnection(db: Queryable, query: LeaderboardQuery, page: PageRequest) {
  const { edges, ...rest } = connection(await readLeaderboard(db, query, page), ({ cursor }) => cursor);
  return { ...rest, edges: edges.map((edge) => ({ ...edge, rank: edge.node.rank })) };
}
