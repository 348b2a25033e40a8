import { type IdKind, idKind } from '../domain/ids.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { readMigrations } from '../store/installation.ts';
import { isOnline, listWorkers } from '../store/worker.ts';
import type { Context } from './context.ts';
import type { NodeRow } from './rows.ts';

/** What the prefix of an id stands for in the schema. */
const types = {
  dataset: 'Dataset',
  experiment: 'Experiment',
  sweep: 'Sweep',
  run: 'Run',
  probe: 'MemoryProbe',
  predictionSet: 'PredictionSet',
  ensemble: 'Ensemble',
  submission: 'Submission',
  artifact: 'Artifact',
  worker: 'Worker',
} as const;

export const nodeResolvers: Resolvers = {
  Query: {
    node: (_, { id }, { loaders }) => load(idKind(id), id, loaders),
    server: async (_, _args, { db, commands, version }) => {
      const now = commands.now();
      const online = (await listWorkers(db, now)).filter((worker) => isOnline(worker, now));
      const { applied } = await readMigrations(db);
      return {
        version,
        schemaVersion: applied.length,
        engines: [...new Set(online.map((worker) => worker.engine))].sort(),
      };
    },
  },
  Node: {
    __resolveType: ({ id }) => types[idKind(id) as keyof typeof types],
  },
};

function load(kind: IdKind | undefined, id: string, loaders: Context['loaders']): Promise<NodeRow | null> | null {
  switch (kind) {
    case 'dataset':
      return loaders.dataset.load(id);
    case 'experiment':
      return loaders.experiment.load(id);
    case 'sweep':
      return loaders.sweep.load(id);
    case 'run':
      return loaders.run.load(id);
    case 'probe':
      return loaders.probe.load(id);
    case 'predictionSet':
      return loaders.predictionSet.load(id);
    case 'ensemble':
      return loaders.ensemble.load(id);
    case 'submission':
      return loaders.submission.load(id);
    case 'artifact':
      return loaders.artifact.load(id);
    case 'worker':
      return loaders.worker.load(id);
    default:
      return null;
  }
}
