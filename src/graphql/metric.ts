import type { Resolvers } from '../generated/graphql.ts';

export const metricResolvers: Resolvers = {
  MetricSeries: {
    total: ({ total }) => (typeof total === 'number' ? total : total()),
  },
  MetricValue: {
    value: (number) => (Number.isFinite(number) ? number : null),
    nonFinite: (number) => {
      if (Number.isFinite(number)) return null;
      if (Number.isNaN(number)) return 'NAN';
      return number > 0 ? 'POSITIVE_INFINITY' : 'NEGATIVE_INFINITY';
    },
  },
};
