import { readdirSync, readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { architectureResolvers } from './architecture.ts';
import { artifactResolvers } from './artifact.ts';
import { auditMutations, auditResolvers } from './audit.ts';
import { comparisonResolvers } from './comparison.ts';
import { datasetResolvers } from './dataset.ts';
import { ensembleResolvers } from './ensemble.ts';
import { experimentResolvers } from './experiment.ts';
import { leaderboardResolvers } from './leaderboard.ts';
import { memoryProbeResolvers } from './memoryProbe.ts';
import { metricResolvers } from './metric.ts';
import { nodeResolvers } from './node.ts';
import { predictionResolvers } from './prediction.ts';
import { runResolvers } from './run.ts';
import { runEventResolvers } from './runEvent.ts';
import { scalarResolvers } from './scalars.ts';
import { submissionResolvers } from './submission.ts';
import { sweepResolvers } from './sweep.ts';
import { viewerResolvers } from './viewer.ts';
import { workerResolvers } from './worker.ts';

/** The executable schema: every *.graphql file of this folder with the resolvers of the file beside it. */
export function createSchema(): GraphQLSchema {
  const schema = makeExecutableSchema({
    typeDefs: readSdl(),
    resolvers: [
      architectureResolvers,
      artifactResolvers,
      auditResolvers,
      comparisonResolvers,
      datasetResolvers,
      ensembleResolvers,
      experimentResolvers,
      leaderboardResolvers,
      memoryProbeResolvers,
      metricResolvers,
      nodeResolvers,
      predictionResolvers,
      runEventResolvers,
      runResolvers,
      scalarResolvers,
      submissionResolvers,
      sweepResolvers,
      viewerResolvers,
      workerResolvers,
    ],
    resolverValidationOptions: { requireResolversToMatchSchema: 'error', requireResolversForResolveType: 'error' },
  });
  auditMutations(schema);
  return schema;
}

function readSdl(): string[] {
  const folder = new URL('.', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.graphql'));
  return files.sort().map((file) => readFileSync(new URL(file, folder), 'utf8'));
}
