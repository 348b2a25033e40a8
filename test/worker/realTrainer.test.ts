/** The whole line with nothing played: import, training, prediction, probe and cancel with the real trainer. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { optimizeEnsemble } from '../../src/commands/optimizeEnsemble.ts';
import { probeMemory } from '../../src/commands/probe.ts';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { readLeaderboard } from '../../src/store/leaderboard.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import { getProbes } from '../../src/store/probe.ts';
import { findRun } from '../../src/store/run.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { endedRun } from '../support/runs.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';

let ctx: TestContext;
let worker: TestWorker;
let folder: string;
let experimentId: string;
const patience = { timeout: 110_000, interval: 100 };

beforeAll(async () => {
  ctx = await testContext();
  worker = await testWorker(ctx, fileURLToPath(new URL('../../src/bin/trainer.ts', import.meta.url)));
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-leaves-'));
  const leaves = path.join(folder, 'leaves');
  await drawLeafDataset(leaves, { seed: 3, classes: { healthy: 14, tungro: 10 }, testImages: 4 });
  await writeFile(path.join(leaves, 'train_images', 'tungro', 'broken.jpg'), 'no picture');
  const datasetId = await importDataset(ctx, { name: 'leaves', path: leaves, holdoutFraction: 0.2 });
  await vi.waitFor(async () => {
    expect((await findDataset(ctx.db.prisma, { id: datasetId }))?.status).toBe('READY');
  }, patience);
  experimentId = await createExperiment(ctx, { name: 'leaves', datasetId });
});
afterAll(async () => {
  await worker.stop();
  await ctx.close();
  await rm(folder, { recursive: true });
});

const size = { height: 32, width: 32 };
const config = {
  ...{ architecture: 'convnext_atto', pretrained: false, itemTransform: { size: { height: 64, width: 64 } }, size },
  ...{ effectiveBatchSize: 8, accumulation: 2, epochs: 1, freezeEpochs: 1 },
};

const ended = (id: string) => endedRun(ctx, id);

test('an import that finds nothing usable fails with the reason', async () => {
  const empty = path.join(folder, 'leaves', 'test_images');
  const id = await importDataset(ctx, { name: 'nothing', path: empty });
  const dataset = () => findDataset(ctx.db.prisma, { id });
  await expect.poll(async () => (await dataset())?.status, patience).toBe('FAILED');
  expect((await dataset())?.failure).toMatch(/no usable image|no .*class/);
});

test('a run trains, validates, predicts, and tells its figures', async () => {
  const id = await startRun(ctx, { experimentId, config });
  const run = await ended(id);
  expect(run.failure).toBeNull();
  expect(run).toMatchObject({ status: 'SUCCEEDED', objectiveValue: expect.any(Number) });
  expect(run.peakMemory).toBeGreaterThan(50 * 2 ** 20);
  expect(run.imagesPerSecond).toBeGreaterThan(0);
  expect((await findEpochs(ctx.db.prisma, [id])).map((e) => e.phase)).toEqual(['FROZEN', 'UNFROZEN']);
  const names = (await findSummaries(ctx.db.prisma, [id])).map((s) => s.name);
  expect(names).toEqual(expect.arrayContaining(['train/loss', 'valid/loss', 'valid/error_rate', 'valid/accuracy']));
  const sets = (await predictionSetsOfRuns(ctx.db.prisma, [id])).get(id)!;
  expect(sets.map((s) => [s.split, s.rowCount])).toEqual(
    expect.arrayContaining([
      ['VALID', 3],
      ['TEST', 4],
      ['HOLDOUT', 5],
    ]),
  );
  for (const set of sets) expect(set.vocab).toEqual(['healthy', 'tungro']);
  expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([
    { engine: 'onnxruntime', precision: 'FP32', versions: expect.objectContaining({ node: process.versions.node }) },
  ]);
});

test('runs of other seeds compare on the hold-out, and an ensemble is selected there', async () => {
  const id = await startRun(ctx, { experimentId, config: { ...config, seed: 77 } });
  expect((await ended(id)).status).toBe('SUCCEEDED');
  const ensembleId = await optimizeEnsemble(ctx, { experimentId, name: 'selected', maxPicks: 5 });
  const { items } = await readLeaderboard(ctx.db.prisma, { experimentId }, { first: 10 });
  const scored = items.filter((entry) => entry.split === 'HOLDOUT');
  expect(scored.map((entry) => entry.runId ?? entry.ensembleId)).toEqual(expect.arrayContaining([id, ensembleId]));
  expect(scored).toHaveLength(3);
  expect(new Set(scored.map((entry) => entry.splitHash)).size).toBe(1);
  for (const entry of scored) expect(entry).toMatchObject({ comparable: true, predictionValue: entry.value });
});

test('a running training, in half precision, is canceled', async () => {
  const id = await startRun(ctx, { experimentId, config: { ...config, epochs: 10_000, precision: 'FP16' } });
  await expect.poll(async () => (await findRun(ctx.db.prisma, id))?.progress?.phase, patience).toBe('UNFROZEN');
  expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([{ engine: 'onnxruntime', precision: 'FP16' }]);
  await cancelRun(ctx, id);
  expect((await ended(id)).status).toBe('CANCELED');
});

test('a trainer that takes more than its budget is ended', async () => {
  // Less than the engine takes by itself.
  const id = await startRun(ctx, { experimentId, config: { ...config, accumulation: 4, memoryBudget: 64 * 2 ** 20 } });
  const { status, failure } = await ended(id);
  expect({ status, code: failure?.code }).toEqual({ status: 'FAILED', code: 'OUT_OF_MEMORY' });
  expect(failure?.message).toContain("passed the run's memoryBudget of 67108864 bytes (64 MiB)");
});

test('a probe measures real memory and compares real gradients, and another one need not', async () => {
  const probe = async () => {
    const targets = [{ architecture: 'convnext_atto', size }];
    const budgetBytes = 16 * 2 ** 30;
    const id = await probeMemory(ctx, { experimentId, targets, effectiveBatchSize: 8, budgetBytes, equivalence: true });
    const find = async () => (await getProbes(ctx.db.prisma, [id])).get(id)!;
    await ended((await find()).runId);
    return find();
  };
  const { status, targets } = await probe();
  expect(status).toBe('SUCCEEDED');
  const [target] = targets;
  expect(target).toMatchObject({ failure: null, recommendation: 1 });
  expect(target!.trials).toMatchObject([{ accumulation: 1, microBatchSize: 8, outcome: 'FITS', cached: false }]);
  const peak = target!.trials[0]!.peakMemory!;
  expect(peak).toBeGreaterThan(50 * 2 ** 20);
  const { equivalence } = target!;
  expect(equivalence).toMatchObject({ accumulation: 2, samples: 8 });
  expect(equivalence!.gradientMax).toBeGreaterThan(0);
  expect(equivalence!.gradientDifference).toBeLessThan(1e-5 * equivalence!.gradientMax);
  expect(equivalence!.gradientCosine).toBeCloseTo(1, 9);
  expect((await probe()).targets[0]!.trials).toMatchObject([{ peakMemory: peak, cached: true }]);
});
