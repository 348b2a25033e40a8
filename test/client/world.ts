/** An installation in which everything is there once and has a hostile name. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, vi } from 'vitest';
import type { ApiServer } from '../support/apiServer.ts';
import { startDashboard } from '../support/dashboard.ts';
import { writeFolder } from '../support/imageFiles.ts';
import { hostile, hostileFiles } from './hostile.ts';

export interface World extends ApiServer {
  readonly datasetId: string;
  readonly experimentId: string;
  /** Succeeded, each with predictions of both splits. */
  readonly runIds: readonly string[];
  readonly failedRunId: string;
  readonly sweepId: string;
  readonly probeId: string;
  readonly ensembleId: string;
}

const smallConfig = {
  architecture: 'convnext_atto',
  pretrained: false,
  itemTransform: { size: { height: 64, width: 64 } },
  size: { height: 32, width: 32 },
  effectiveBatchSize: 4,
  epochs: 2,
  // Played by the scripted trainer.
  weightsUri: 'story',
};

/** Asks until it is so, also where a test has not begun. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
async function until(ask: () => Promise<any>, holds: (answer: any) => boolean): Promise<any> {
  const look = async () => {
    const answer = await ask();
    if (!holds(answer)) throw new Error(`still ${JSON.stringify(answer)}`);
    return answer;
  };
  return vi.waitFor(look, { timeout: 100_000, interval: 50 });
}

/** The longest that a name may be. */
export const longName = hostile.long.slice(0, 200);

export const runNames = [hostile.html, hostile.override, hostile.arabic, longName, hostile.emoji] as const;

/** @throws when the server refuses */
export async function write(server: ApiServer, field: string, input: string, value: object, answer: string) {
  const result = await server.ask(
    `mutation ($input: ${input}!) { ${field}(input: $input) { ${answer} userErrors { message path } } }`,
    { input: value },
  );
  expect(result[field].userErrors).toEqual([]);
  return result[field];
}

export async function importedDataset(server: ApiServer, name: string, folder: string): Promise<string> {
  const { dataset } = await write(
    server,
    'importDataset',
    'ImportDatasetInput',
    { name, path: folder },
    'dataset { id }',
  );
  const { datasets } = await until(
    () => server.ask('{ datasets { nodes { id status } } }'),
    ({ datasets }) => datasets.nodes.every(({ status }: { status: string }) => status !== 'IMPORTING'),
  );
  expect(datasets.nodes.find(({ id }: { id: string }) => id === dataset.id).status).toBe('READY');
  return dataset.id;
}

/** Its last status. */
export async function ended(server: ApiServer, runId: string): Promise<string> {
  const { run } = await until(
    () => server.ask('query ($id: ID!) { run(id: $id) { status } }', { id: runId }),
    ({ run }) => /SUCCEEDED|FAILED|CANCELED/.test(run.status),
  );
  return run.status;
}

export async function started(
  server: ApiServer,
  experimentId: string,
  run: { name: string; tags?: string[]; config?: object },
) {
  const input = { experimentId, ...run, config: { ...smallConfig, ...run.config } };
  return (await write(server, 'startRun', 'StartRunInput', input, 'run { id }')).run.id as string;
}

/** A data set of three labels with 8 training images each and 4 test images, and a file that is no image. */
export async function writeImages(folder: string, labels: readonly string[]): Promise<void> {
  let seed = 1;
  const files: Record<string, number | string> = {};
  for (const label of labels) {
    for (let i = 0; i < 8; i++) files[`train_images/${label}/${label.length}-${seed}.jpg`] = seed++;
  }
  for (let i = 0; i < 4; i++) files[`test_images/${100 + i}.jpg`] = seed++;
  files[`train_images/${labels[0]}/${hostileFiles.html} ${hostileFiles.override}.jpg`] = 'no image at all';
  await writeFolder(folder, files);
}

export async function hostileWorld(): Promise<World> {
  const server = await startDashboard();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-pages-'));
  await writeImages(folder, Object.values(hostileFiles));
  const datasetId = await importedDataset(server, hostile.html, folder);
  const experiment = {
    name: longName,
    description: `${hostile.override}\n${hostile.html}\n${hostile.long}`,
    datasetId,
  };
  const {
    experiment: { id: experimentId },
  } = await write(server, 'createExperiment', 'CreateExperimentInput', experiment, 'experiment { id }');

  const tags = [hostile.html, hostile.override, 'long tag '.repeat(20).trim()];
  const runIds = await Promise.all(
    runNames.map((name, seed) => started(server, experimentId, { name, tags, config: { seed, splitSeed: 1 } })),
  );
  const failedRunId = await started(server, experimentId, {
    name: `${hostile.override} fails`,
    config: { weightsUri: 'exit 3' },
  });
  const sweep = {
    experimentId,
    name: hostile.html,
    architectures: ['convnext_atto', 'vit_tiny_patch16_224'],
    preprocessings: [
      { name: hostile.override, itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 } },
    ],
    config: { pretrained: false, effectiveBatchSize: 4, epochs: 1, weightsUri: 'story' },
  };
  const {
    sweep: { id: sweepId },
  } = await write(server, 'startSweep', 'StartSweepInput', sweep, 'sweep { id }');
  const size = { height: 32, width: 32 };
  const probe = {
    experimentId,
    targets: [
      { architecture: 'convnext_atto', size },
      { architecture: 'vit_tiny_patch16_224', size: { height: 224, width: 224 } },
    ],
    effectiveBatchSize: 8,
    budget: { mebibytes: 512 },
  };
  const {
    memoryProbe: { id: probeId },
  } = await write(server, 'probeMemory', 'ProbeMemoryInput', probe, 'memoryProbe { id }');
  for (const id of runIds) expect(await ended(server, id)).toBe('SUCCEEDED');
  expect(await ended(server, failedRunId)).toBe('FAILED');
  const {
    ensemble: { id: ensembleId },
  } = await write(
    server,
    'createEnsemble',
    'CreateEnsembleInput',
    { experimentId, name: hostile.override, members: runIds.slice(0, 3).map((runId, i) => ({ runId, weight: i + 1 })) },
    'ensemble { id }',
  );
  await write(
    server,
    'createSubmission',
    'CreateSubmissionInput',
    { ensembleId, message: hostile.html },
    'submission { id }',
  );
  await until(
    () => server.ask('{ runs(first: 100) { nodes { status } } }'),
    ({ runs }) => !runs.nodes.some(({ status }: { status: string }) => /QUEUED|RUNNING/.test(status)),
  );
  return {
    ...server,
    ...{ datasetId, experimentId, runIds, failedRunId, sweepId, probeId, ensembleId },
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
