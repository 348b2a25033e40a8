/** The later stages of the demo, from memory probes to the submission: each a few requests to the server. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isTerminal } from '../../domain/run.ts';
import { StartupError } from '../../errors.ts';
import { makeFolder } from '../../makeFolder.ts';
import { accepted, type GraphqlClient } from './client.ts';
import { keyOf } from './names.ts';
import * as operations from './operations.ts';
import { ensembleMembers, type Preset, type ProbePlan } from './presets.ts';
import { createProgressView } from './progress.ts';
import * as training from './trainingOperations.ts';

/** Finds the accumulation with which each of the plan's networks stays below its budget. */
export async function probeMemory(
  client: GraphqlClient,
  experimentId: string,
  { targets, effectiveBatchSize, budgetMebibytes }: ProbePlan,
  { continues }: Pick<Preset, 'continues'>,
): Promise<training.MemoryProbe> {
  const input = { experimentId, targets, effectiveBatchSize, budget: { mebibytes: budgetMebibytes } };
  // A demo that goes on finds its probe again: a new one would wait behind the runs in the queue.
  const earlier = continues ? await askProbe(client, { ...input, idempotencyKey: keyOf(input) }) : undefined;
  const probe = earlier?.status === 'SUCCEEDED' ? earlier : await askProbe(client, input);
  if (probe.status === 'SUCCEEDED') return probe;
  const reason = probe.run.failure?.message ?? 'no reason given';
  throw new StartupError(`The memory probe ${probe.status.toLowerCase()}: ${reason}`);
}

/** The probe at its end. */
async function askProbe(client: GraphqlClient, input: training.ProbeInput): Promise<training.MemoryProbe> {
  const { memoryProbe, userErrors } = (await client.request(training.probeMemory, { input })).probeMemory;
  const { id, run } = accepted('probeMemory', memoryProbe, userErrors);
  // The stream ends with the run.
  for await (const _ of client.subscribe(training.runEvents, { runId: run.id, after: null }));
  const { node } = await client.request(training.readProbe, { id });
  if (!node) throw new StartupError(`The memory probe ${id} is gone`);
  return node;
}

export interface Training {
  readonly output: NodeJS.WriteStream;
  /** Told once before the training, in the order of the sweeps. */
  readonly onQueued: (runs: readonly training.Run[]) => void;
  /** The first time that a run of an architecture has finished an epoch; what it asks is asked while the run goes on. */
  readonly onArchitecture: (architecture: string) => Promise<void>;
}

/** Trains the sweeps and shows their progress until every run has ended. Throws when one did not succeed. */
export async function trainSweeps(
  client: GraphqlClient,
  experimentId: string,
  preset: Preset,
  { output, onQueued, onArchitecture }: Training,
): Promise<readonly training.Run[]> {
  const sweepIds: string[] = [];
  for (const plan of preset.sweeps) {
    const input = { experimentId, ...plan, config: preset.config, tags: ['demo'], skipIdentical: preset.continues };
    const { sweep, userErrors } = (await client.request(training.startSweep, { input })).startSweep;
    sweepIds.push(accepted('startSweep', sweep, userErrors).id);
  }
  const queued = await readRuns(client, sweepIds);
  onQueued(queued);
  const waiting = new Map(queued.filter(({ status }) => !isTerminal(status)).map((run) => [run.id, run]));
  if (waiting.size) {
    const view = createProgressView([...waiting.values()], output);
    const seen = new Set<string>();
    try {
      for await (const batch of client.subscribe(training.experimentEvents, { experimentId, after: null })) {
        for (const event of batch.experimentEvents.events) {
          view.handle(event);
          const run = waiting.get(event.runId);
          if (!run) continue;
          if (event.__typename === 'RunStatusChanged' && isTerminal(event.status)) waiting.delete(run.id);
          if (event.__typename === 'EpochCompleted' && !seen.has(run.architecture)) {
            seen.add(run.architecture);
            await onArchitecture(run.architecture);
          }
        }
        if (!waiting.size) break;
      }
    } finally {
      view.close();
    }
  }
  const ended = await readRuns(client, sweepIds);
  const failed = ended.filter((run) => run.status !== 'SUCCEEDED');
  if (failed.length) {
    const lines = failed.map((run) => `  ${run.name} ${run.status.toLowerCase()}: ${run.failure?.message ?? ''}`);
    throw new StartupError(`${failed.length} of ${ended.length} runs did not succeed:\n${lines.join('\n')}`);
  }
  return ended;
}

/** In the order they are trained. */
async function readRuns(client: GraphqlClient, sweepIds: readonly string[]): Promise<readonly training.Run[]> {
  const runs: training.Run[] = [];
  for (const id of sweepIds) {
    const { node } = await client.request(training.readSweep, { id });
    if (!node) throw new StartupError(`The sweep ${id} is gone`);
    runs.push(...node.runs.nodes);
  }
  return runs;
}

export async function readLeaderboard(
  client: GraphqlClient,
  id: string,
): Promise<{ metric: string; entries: readonly operations.LeaderboardEntry[] }> {
  const { experiment } = await client.request(operations.readLeaderboard, { id });
  if (!experiment) throw new StartupError(`The experiment ${id} is gone`);
  return { metric: experiment.objective.metric, entries: experiment.leaderboard.edges };
}

/** The ensemble of the experiment's runs. */
export async function combineRuns(
  client: GraphqlClient,
  experimentId: string,
  runs: readonly training.Run[],
  { continues }: Pick<Preset, 'continues'>,
): Promise<operations.Ensemble> {
  const input = { experimentId, name: 'all, vit counts double', members: ensembleMembers };
  const idempotencyKey = continues ? keyOf([input, runs.map((run) => run.id)]) : null;
  const made = (await client.request(operations.createEnsemble, { input: { ...input, idempotencyKey } }))
    .createEnsemble;
  return accepted('createEnsemble', made.ensemble, made.userErrors);
}

/** Makes the submission and saves its CSV as `file`. */
export async function submit(
  client: GraphqlClient,
  ensembleId: string,
  file: string,
  { continues }: Pick<Preset, 'continues'>,
): Promise<operations.Submission & { path: string }> {
  const input = { ensembleId, message: 'npm run demo', idempotencyKey: continues ? keyOf(ensembleId) : null };
  const { submission, userErrors } = (await client.request(operations.createSubmission, { input })).createSubmission;
  const made = accepted('createSubmission', submission, userErrors);
  await makeFolder(path.dirname(file));
  await writeFile(file, await client.download(made.csvUrl));
  return { ...made, path: file };
}
