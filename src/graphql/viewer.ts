import { createApiKey, revokeApiKey } from '../commands/apiKey.ts';
import { allows } from '../domain/viewer.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { findApiKey, listApiKeys } from '../store/apiKey.ts';
import { payload } from './payload.ts';

export const viewerResolvers: Resolvers = {
  Query: {
    viewer: (_, _args, { viewer }) => viewer,
  },
  Mutation: {
    createApiKey: async (_, { input }, { commands, db }) => {
      let secret: string | null = null;
      const made = await payload('apiKey', async () => {
        const key = await createApiKey(commands, input);
        ({ secret } = key);
        return findApiKey(db, { id: key.id });
      });
      return { ...made, secret };
    },
    revokeApiKey: (_, { id }, { commands }) => payload('deletedId', () => revokeApiKey(commands, id)),
  },
  Viewer: {
    apiKeys: ({ scopes, keyId }, _, { db }) =>
      listApiKeys(db, { revoked: false, id: allows(scopes, 'ADMIN') ? undefined : (keyId ?? '') }),
  },
};
