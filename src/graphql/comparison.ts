import { compareMetrics, configDifferences } from '../domain/comparison.ts';
import { missing, refuse } from '../errors.ts';
import type { Resolvers } from '../generated/graphql.ts';
import type { Run } from '../store/run.ts';
import { type Loaders, loadExisting } from './loaders.ts';
import type { RunComparisonRow } from './rows.ts';

const mostRuns = 100;

export const comparisonResolvers: Resolvers = {
  Query: {
    compareRuns: async (_, { ids }, { loaders }): Promise<RunComparisonRow> => {
      return { runs: await loadDistinct(loaders, ids) };
    },
  },
  RunComparison: {
    configDiff: ({ runs }) => configDifferences(runs.map(({ config }) => config)),
    metrics: async ({ runs }, _, { loaders }) => {
      const summaries = await Promise.all(runs.map(({ id }) => loaders.metricsOfRun().load(id)));
      const [experimentId, ...others] = new Set(runs.map((run) => run.experimentId));
      const experiment = others.length ? null : await loadExisting(loaders.experiment, experimentId!);
      return compareMetrics(summaries, experiment?.objective ?? null);
    },
  },
};

async function loadDistinct(loaders: Loaders, ids: readonly string[]): Promise<Run[]> {
  if (!ids.length || ids.length > mostRuns) {
    throw refuse('LIMIT_EXCEEDED', `must be 1 to ${mostRuns} runs, got ${ids.length}`, ['ids']);
  }
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw refuse('INVALID', `${twice} is given twice`, ['ids']);
  const runs = await Promise.all(ids.map((id) => loaders.run.load(id)));
  const unknown = ids.find((_, i) => runs[i] === null);
  if (unknown !== undefined) throw refuse('NOT_FOUND', missing('run', unknown), ['ids']);
  return runs.flatMap((run) => run ?? []);
}
