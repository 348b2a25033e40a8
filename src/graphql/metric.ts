import type { Resolvers } from '../generated/graphql.ts';

export const metricResolvers: Resolvers = {
  MetricValue: {
    value: (number) => (Number.isFinite(number) ? number : null),
    nonFinite: (number) => {
      if (Number.isFinite(number)) return null;
      if (Number.isNaN(number)) return 'NAN';
      return number > 0 ? 'POSITIVE_INFINITY' : 'NEGATIVE_INFINITY';
    },
  },
};
