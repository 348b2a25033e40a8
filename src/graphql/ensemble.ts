import { combine, createEnsemble, resultOfEnsemble } from '../commands/ensemble.ts';
import { optimizeEnsemble } from '../commands/optimizeEnsemble.ts';
import { deleteEnsemble } from '../commands/removal.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { ensembleCursor, listEnsembles } from '../store/ensemble.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { predictionRowConnection } from './prediction.ts';
import type { EnsembleMemberRow, SelectionStepRow } from './rows.ts';
import { storedScore } from './score.ts';

export const ensembleResolvers: Resolvers = {
  Query: {
    ensemble: (_, { input }, { commands }) => combine(commands, input, input.experimentId ?? undefined),
  },
  Mutation: {
    createEnsemble: (_, { input }, { commands, loaders }) =>
      payload('ensemble', async () => loadCreated(loaders.ensemble, await createEnsemble(commands, input))),
    optimizeEnsemble: (_, { input }, { commands, loaders }) =>
      payload('ensemble', async () => loadCreated(loaders.ensemble, await optimizeEnsemble(commands, input))),
    deleteEnsemble: (_, { id }, { commands, loaders }) =>
      payload('deletedId', async () => {
        await deleteEnsemble(commands, id);
        loaders.ensemble.clear(id);
        return id;
      }),
  },
  Experiment: {
    ensembles: async ({ id }, args, { db }) =>
      connection(await listEnsembles(db, id, pageRequest(args)), ensembleCursor),
  },
  Ensemble: {
    experiment: ({ experimentId }, _, { loaders }) => loadExisting(loaders.experiment, experimentId),
    members: async ({ id }, _, { loaders }) => {
      const members = await loaders.membersOfEnsemble.load(id);
      const total = members.reduce((sum, { weight }) => sum + weight, 0);
      return members.map((member): EnsembleMemberRow => {
        return { ...member, share: member.weight / total, predictionSetId: null };
      });
    },
    result: ({ id }, { split }, { commands }) => resultOfEnsemble(commands, id, split),
    scores: ({ id }, _, { loaders }) => loaders.scoresOfEnsemble.load(id),
    submissions: async ({ id }, _, { loaders }) => (await loaders.submissionsOfEnsemble.load(id)) ?? [],
  },
  EnsembleMember: {
    run: ({ runId }, _, { loaders }) => loadExisting(loaders.run, runId),
    score: async ({ predictionSetId }, _, context) => {
      const set = predictionSetId ? await context.loaders.predictionSet.load(predictionSetId) : null;
      return set && storedScore(set, context);
    },
  },
  EnsembleSelection: {
    steps: ({ steps, keptSteps }) => steps.map((step, i): SelectionStepRow => ({ ...step, kept: i < keptSteps })),
  },
  SelectionStep: {
    run: ({ runId }, _, { loaders }) => loaders.run.load(runId),
  },
  EnsembleResult: {
    labelCounts: (result) => result.labelCounts(),
    rows: async (result, { first, after, ...choice }) =>
      predictionRowConnection(await result.rows(pageRequest({ first, after }, 50), choice)),
    disagreement: (result) => result.disagreement(50),
    score: (result) => result.score(),
  },
};
