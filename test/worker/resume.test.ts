/** Trainings that are interrupted, with the real trainer: the end is that of a training that was not. */

import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Checkpoint, findCheckpoints } from '../../src/commands/checkpoints.ts';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { findLogLines } from '../../src/store/log.ts';
import { findRun } from '../../src/store/run.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type RunResult, resultOf } from '../support/runResult.ts';
import { endedRun } from '../support/runs.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';

let ctx: TestContext;
let folder: string;
let experimentId: string;
let uninterrupted: RunResult;
const patience = { timeout: 110_000, interval: 50 };
const size = { height: 32, width: 32 };
const config = {
  ...{ architecture: 'convnext_atto', pretrained: false, itemTransform: { size: { height: 64, width: 64 } }, size },
  ...{ effectiveBatchSize: 8, accumulation: 4, epochs: 8, freezeEpochs: 1, seed: 5, predict: { ttaPasses: 1 } },
};

const trainer = fileURLToPath(new URL('../../src/bin/trainer.ts', import.meta.url));
const start = (changes: object = {}) => startRun(ctx, { experimentId, config: { ...config, ...changes } });
const result = (id: string) => resultOf(ctx.db.prisma, id, ctx.blobs.local);
const checkpoints = (id: string) => findCheckpoints(ctx.db.prisma, id);
const linesOf = async (id: string) =>
  (await findLogLines(ctx.db.prisma, id, { afterSeq: 0, limit: 1000 })).map(({ line }) => line);

/** Until `epochs` are finished and in a checkpoint. */
async function reached(id: string, epochs: number): Promise<void> {
  await expect.poll(async () => (await checkpoints(id))[0]?.epoch ?? 0, patience).toBeGreaterThanOrEqual(epochs);
}

async function succeeded(id: string): Promise<void> {
  const run = await endedRun(ctx, id);
  expect(run.failure).toBeNull();
  expect(run.status).toBe('SUCCEEDED');
}

/** With a worker of its own, which stops in order at the end. */
async function withWorker(work: (worker: TestWorker) => Promise<void>): Promise<void> {
  const worker = await testWorker(ctx, trainer, { RUNGRAPH_THREADS: '2' });
  try {
    await work(worker);
  } finally {
    await worker.stop();
  }
}

beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-leaves-'));
  const leaves = path.join(folder, 'leaves');
  await drawLeafDataset(leaves, { seed: 3, classes: { healthy: 14, tungro: 10 }, testImages: 4 });
  await withWorker(async () => {
    const datasetId = await importDataset(ctx, { name: 'leaves', path: leaves });
    await vi.waitFor(async () => {
      expect((await findDataset(ctx.db.prisma, { id: datasetId }))?.status).toBe('READY');
    }, patience);
    experimentId = await createExperiment(ctx, { name: 'leaves', datasetId });
  });
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true });
});

test('a training that nobody interrupts leaves no checkpoint', async () => {
  const id = await start();
  await withWorker(() => succeeded(id));
  expect(await checkpoints(id)).toEqual([]);
  uninterrupted = await result(id);
  expect(uninterrupted.weights).not.toBeNull();
  expect(Object.keys(uninterrupted.predictions)).toEqual(['VALID PLAIN', 'TEST TTA']);
  expect(uninterrupted.epochs).toHaveLength(9);
});

test('a worker that stops takes a checkpoint along; the next one goes on there, to the same end', async () => {
  let id = '';
  await withWorker(async () => {
    id = await start({ checkpoints: { everyMinutes: 0, keepEvery: 3 } });
    await reached(id, 2);
  });
  expect(await findRun(ctx.db.prisma, id)).toMatchObject({ status: 'QUEUED' });
  const [newest] = await checkpoints(id);
  await withWorker(() => succeeded(id));
  expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([
    { status: 'QUEUED', resumedFromEpoch: null },
    { status: 'SUCCEEDED', resumedFromEpoch: newest!.epoch },
  ]);
  expect(await linesOf(id)).toContainEqual(expect.stringMatching(/^goes on from the checkpoint after /));
  expect(await result(id)).toEqual(uninterrupted);
  expect((await checkpoints(id)).map(({ epoch, batch }) => [epoch, batch])).toEqual([
    [9, 0],
    [6, 0],
    [3, 0],
  ]);
});

/** A run that waits for its second attempt and has two checkpoints. */
async function interrupted(): Promise<{ id: string; kept: readonly Checkpoint[] }> {
  let id = '';
  await withWorker(async () => {
    id = await start();
    await reached(id, 2);
  });
  const kept = await checkpoints(id);
  expect(kept).toHaveLength(2);
  return { id, kept };
}

test('a damaged newest checkpoint: the one before is taken, and the log says so', async () => {
  const { id, kept } = await interrupted();
  const [newest, former] = kept;
  await truncate(await ctx.blobs.local(newest!.artifact.contentHash), 100_000);
  await withWorker(() => succeeded(id));
  expect((await findAttempts(ctx.db.prisma, [id])).at(-1)).toMatchObject({ resumedFromEpoch: former!.epoch });
  expect(await linesOf(id)).toContainEqual(
    expect.stringMatching(/^the checkpoint after .* is not used: .* is damaged$/),
  );
  expect(await result(id)).toEqual(uninterrupted);
});

test('damaged and missing checkpoints: the training begins from the start, and nothing is told twice', async () => {
  const { id, kept } = await interrupted();
  const [newest, former] = kept;
  const file = await ctx.blobs.local(newest!.artifact.contentHash);
  await writeFile(file, 'x', { flag: 'a' });
  await ctx.blobs.delete(former!.artifact.contentHash);
  await withWorker(() => succeeded(id));
  expect((await findAttempts(ctx.db.prisma, [id])).at(-1)).toMatchObject({ resumedFromEpoch: null });
  expect(await linesOf(id)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/is damaged$/),
      expect.stringMatching(/is not among the blobs of this worker$/),
      'begins from the start: no checkpoint can be used',
    ]),
  );
  expect(await result(id)).toEqual(uninterrupted);
});
