/** The stages of the demo, each a few requests to the server. */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal } from '../../domain/run.ts';
import { StartupError } from '../../errors.ts';
import { accepted, type GraphqlClient, type UserError } from './client.ts';
import * as operations from './operations.ts';
import type { Preset } from './presets.ts';
import { createProgressView } from './progress.ts';

/** Asks with `name`, then with `name 2`, `name 3` … while the name is taken: the demo may run again on the same home. */
async function withFreeName<T>(
  name: string,
  what: string,
  ask: (name: string) => Promise<{ value: T | null; userErrors: readonly UserError[] }>,
): Promise<T> {
  for (let number = 1; ; number++) {
    const { value, userErrors } = await ask(number === 1 ? name : `${name} ${number}`);
    if (!userErrors.some(({ code }) => code === 'ALREADY_EXISTS')) return accepted(what, value, userErrors);
  }
}

/** Imports the folder and waits until it is READY. Throws with the reasons when it cannot be, or leaves nothing to predict. */
export async function importImages(
  client: GraphqlClient,
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<operations.Dataset> {
  const { id } = await withFreeName(name, 'importDataset', async (name) => {
    const input = { name, path: folder };
    const { dataset, userErrors } = (await client.request(operations.importDataset, { input })).importDataset;
    return { value: dataset, userErrors };
  });
  for (;;) {
    const { dataset } = await client.request(operations.readDataset, { id });
    if (!dataset) throw new StartupError(`The data set ${id} is gone`);
    if (dataset.status === 'READY' && !dataset.testCount) {
      throw new StartupError(
        [`${folder} has no usable image in test_images/: there is nothing to submit`, ...problemLines(dataset)].join(
          '\n',
        ),
      );
    }
    if (dataset.status === 'READY') return dataset;
    if (dataset.status === 'FAILED') {
      throw new StartupError(
        [`${folder} could not be imported: ${dataset.failure}`, ...problemLines(dataset)].join('\n'),
      );
    }
    await sleep(200, undefined, { signal });
  }
}

/** What the import did not take, one line each. */
export function problemLines({ problems: { nodes, pageInfo } }: operations.Dataset): string[] {
  const lines = nodes.map(({ severity, path, reason }) => `  ${severity.toLowerCase()}: ${path}: ${reason}`);
  return pageInfo.hasNextPage ? [...lines, '  … and more'] : lines;
}

export async function createExperiment(
  client: GraphqlClient,
  name: string,
  datasetId: string,
): Promise<{ id: string; name: string }> {
  return withFreeName(name, 'createExperiment', async (name) => {
    const input = { name, datasetId, description: 'The demo: a sweep, its leaderboard, an ensemble and a submission' };
    const { experiment, userErrors } = (await client.request(operations.createExperiment, { input })).createExperiment;
    return { value: experiment, userErrors };
  });
}

/** Finds the accumulation with which the preset's probe stays below its budget. */
export async function probeMemory(
  client: GraphqlClient,
  experimentId: string,
  preset: Preset,
): Promise<operations.MemoryProbe> {
  const { budgetMebibytes, effectiveBatchSize, ...target } = preset.probe;
  const input = { experimentId, targets: [target], effectiveBatchSize, budget: { mebibytes: budgetMebibytes } };
  const { memoryProbe, userErrors } = (await client.request(operations.probeMemory, { input })).probeMemory;
  const { id, run } = accepted('probeMemory', memoryProbe, userErrors);
  // The stream ends with the run.
  for await (const _ of client.subscribe(operations.runEvents, { runId: run.id, after: null }));
  const { node } = await client.request(operations.readProbe, { id });
  if (!node) throw new StartupError(`The memory probe ${id} is gone`);
  if (node.status !== 'SUCCEEDED') {
    throw new StartupError(
      `The memory probe ${node.status.toLowerCase()}: ${node.run.failure?.message ?? 'no reason given'}`,
    );
  }
  return node;
}

/** Trains the sweep and shows its progress until every run has ended. Throws when one did not succeed. */
export async function trainSweep(
  client: GraphqlClient,
  experimentId: string,
  preset: Preset,
  output: NodeJS.WriteStream,
): Promise<readonly operations.Run[]> {
  const input = {
    experimentId,
    name: `${preset.name} sweep`,
    architectures: preset.architectures,
    preprocessings: preset.preprocessings,
    config: { ...preset.config, epochs: preset.epochs },
    tags: ['demo'],
  };
  const { sweep, userErrors } = (await client.request(operations.startSweep, { input })).startSweep;
  const { id } = accepted('startSweep', sweep, userErrors);
  const runs = await readRuns(client, id);
  const waiting = new Set(runs.map((run) => run.id));
  const view = createProgressView(runs, output);
  try {
    for await (const batch of client.subscribe(operations.experimentEvents, { experimentId, after: null })) {
      for (const event of batch.experimentEvents.events) {
        view.handle(event);
        if (event.__typename === 'RunStatusChanged' && isTerminal(event.status)) waiting.delete(event.runId);
      }
      if (!waiting.size) break;
    }
  } finally {
    view.close();
  }
  const ended = await readRuns(client, id);
  const failed = ended.filter((run) => run.status !== 'SUCCEEDED');
  if (failed.length) {
    const lines = failed.map((run) => `  ${run.name} ${run.status.toLowerCase()}: ${run.failure?.message ?? ''}`);
    throw new StartupError(`${failed.length} of ${ended.length} runs did not succeed:\n${lines.join('\n')}`);
  }
  return ended;
}

/** In the order they are trained. */
async function readRuns(client: GraphqlClient, sweepId: string): Promise<readonly operations.Run[]> {
  const { node } = await client.request(operations.readSweep, { id: sweepId });
  if (!node) throw new StartupError(`The sweep ${sweepId} is gone`);
  return node.runs.nodes;
}

export async function readLeaderboard(
  client: GraphqlClient,
  id: string,
): Promise<{ metric: string; entries: readonly operations.LeaderboardEntry[] }> {
  const { experiment } = await client.request(operations.readLeaderboard, { id });
  if (!experiment) throw new StartupError(`The experiment ${id} is gone`);
  return { metric: experiment.objective.metric, entries: experiment.leaderboard.edges };
}

/** Every run once, and the runs of one family by predicate a second time: no positions in a list to get wrong. */
export async function combineRuns(client: GraphqlClient, experimentId: string): Promise<operations.Ensemble> {
  const input = {
    experimentId,
    name: 'all, vit counts double',
    members: [{ filter: 'status = SUCCEEDED' }, { filter: 'arch like vit*', weight: 2 }],
  };
  const { ensemble, userErrors } = (await client.request(operations.createEnsemble, { input })).createEnsemble;
  return accepted('createEnsemble', ensemble, userErrors);
}

/** Makes the submission and saves its CSV as `file`. */
export async function submit(
  client: GraphqlClient,
  ensembleId: string,
  file: string,
): Promise<operations.Submission & { path: string }> {
  const input = { ensembleId, message: 'npm run demo' };
  const { submission, userErrors } = (await client.request(operations.createSubmission, { input })).createSubmission;
  const made = accepted('createSubmission', submission, userErrors);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, await client.download(made.csvUrl));
  return { ...made, path: file };
}
