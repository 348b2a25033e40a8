import { architectures } from '../domain/architecture.ts';
import { allowedSides } from '../domain/inputSize.ts';
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
    allowedSides: (architecture) => allowedSides(architecture),
  },
};
