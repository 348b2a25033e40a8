import { probeMemory } from '../commands/probe.ts';
import { findArchitecture } from '../domain/architecture.ts';
import { agrees } from '../domain/memoryProbe.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { listProbes, probeCursor } from '../store/probe.ts';
import { connection, pageRequest } from './connection.ts';
import { loadCreated, loadExisting } from './loaders.ts';
import { payload } from './payload.ts';

export const memoryProbeResolvers: Resolvers = {
  Query: {
    memoryProbes: async (_, { architecture, ...args }, { db }) => {
      const name = architecture ? (findArchitecture(architecture)?.name ?? architecture) : undefined;
      return connection(await listProbes(db, { ...pageRequest(args), architecture: name }), probeCursor);
    },
  },
  Mutation: {
    probeMemory: (_, { input: { budget, ...input } }, { commands, loaders }) =>
      payload('memoryProbe', async () => {
        const budgetBytes = budget.bytes ?? (budget.mebibytes ?? 0) * 2 ** 20;
        return loadCreated(loaders.probe, await probeMemory(commands, { ...input, budgetBytes }));
      }),
  },
  MemoryProbe: {
    run: ({ runId }, _, { loaders }) => loadExisting(loaders.run, runId),
  },
  AccumulationEquivalence: { agrees },
};
