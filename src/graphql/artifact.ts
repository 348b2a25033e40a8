import { exportOnnx } from '../commands/exportOnnx.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { loadExisting } from './loaders.ts';
import { payload } from './payload.ts';
import { artifactUrl } from './urls.ts';

export const artifactResolvers: Resolvers = {
  Mutation: {
    exportOnnx: (_, { runId }, { commands, loaders }) =>
      payload('artifact', async () => loadExisting(loaders.artifact, await exportOnnx(commands, runId))),
  },
  Run: {
    artifacts: ({ id }, _, { loaders }) => loaders.artifactsOfRun.load(id),
  },
  Artifact: {
    run: ({ runId }, _, { loaders }) => loadExisting(loaders.run, runId),
    downloadUrl: ({ id }) => artifactUrl(id),
  },
};
