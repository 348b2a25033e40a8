import { deleteSubmission } from '../commands/removal.ts';
import { createSubmission } from '../commands/submission.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { listSubmissions, submissionCursor } from '../store/submission.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated } from './loaders.ts';
import { payload } from './payload.ts';
import { submissionUrl } from './urls.ts';

export const submissionResolvers: Resolvers = {
  Mutation: {
    createSubmission: (_, { input }, { commands, loaders }) =>
      payload('submission', async () => loadCreated(loaders.submission, await createSubmission(commands, input))),
    deleteSubmission: (_, { id }, { commands, loaders }) =>
      payload('deletedId', async () => {
        await deleteSubmission(commands, id);
        loaders.submission.clear(id);
        return id;
      }),
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
