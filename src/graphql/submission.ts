import { createSubmission } from '../commands/submission.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { listSubmissions, submissionCursor } from '../store/submission.ts';
import { connection, pageRequest } from './connection.ts';
import { loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { submissionUrl } from './urls.ts';

export const submissionResolvers: Resolvers = {
  Mutation: {
    createSubmission: (_, { input }, { commands, loaders }) =>
      payload('submission', async () => loadExisting(loaders.submission, await createSubmission(commands, input))),
  },
  Experiment: {
    submissions: async ({ id }, args, { db }) =>
      connection(await listSubmissions(db, id, pageRequest(args)), submissionCursor),
  },
  Run: {
    submissions: async ({ id }, _, { loaders }) => (await loaders.submissionsOfRun.load(id)) ?? [],
  },
  Submission: {
    ensemble: ({ ensembleId }, _, { loaders }) => (ensembleId ? loaders.ensemble.load(ensembleId) : null),
    run: ({ runId }, _, { loaders }) => (runId ? loaders.run.load(runId) : null),
    csvUrl: ({ id }) => submissionUrl(id),
  },
};
