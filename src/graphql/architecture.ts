import { architectures, sizeProblem } from '../domain/architecture.ts';
import type { Resolvers } from '../generated/graphql.ts';

export const architectureResolvers: Resolvers = {
  Query: {
    architectures: (_, { search }) => {
      const part = search?.toLowerCase() ?? '';
      return architectures.filter(({ name, aliases }) =>
        [name, ...aliases].some((n) => n.toLowerCase().includes(part)),
      );
    },
  },
  Architecture: {
    // An odd prime above every minimum: only a network without a grid of patches takes it.
    allowsAnySize: (architecture) => sizeProblem(architecture, { height: 257, width: 257 }) === null,
  },
};
