import type { Resolvers } from '../generated/graphql.ts';

export const viewerResolvers: Resolvers = {
  Query: {
    viewer: (_, _args, { viewer }) => viewer,
  },
};
