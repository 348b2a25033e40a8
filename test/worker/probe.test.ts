/** Memory probes: what is tried, what is known already, what a bad target does to the others. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProbeMemoryInput, probeMemory } from '../../src/commands/probe.ts';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findLogLines } from '../../src/store/log.ts';
import { metricHistory } from '../../src/store/metric.ts';
import { getProbes, type ProbeTarget } from '../../src/store/probe.ts';
import { findRun } from '../../src/store/run.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { childrenRunning } from '../support/processes.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { scriptedTrainer, type TestWorker, testWorker } from '../support/worker.ts';

const mebibyte = 2 ** 20;
const atto = { architecture: 'convnext_atto', size: { height: 32, width: 32 } };
const tiny = { architecture: 'vit_tiny_patch16_224', size: { height: 32, width: 32 } };

let ctx: TestContext;
let worker: TestWorker;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
  worker = await testWorker(ctx);
});
afterAll(async () => {
  await worker.stop();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 25 };
const find = async (id: string) => (await findRun(ctx.db.prisma, id))!;
const probeOf = async (id: string) => (await getProbes(ctx.db.prisma, [id])).get(id)!;

/** Starts a probe of `refresh` that plays a part. The script is named in the run's config before a worker sees it. */
async function started(part: string, budgetBytes: number, more: Partial<ProbeMemoryInput> = {}) {
  await worker.stop();
  const targets = more.targets ?? [atto];
  const input = { experimentId, effectiveBatchSize: 16, budgetBytes, refresh: true, ...more, targets };
  const id = await probeMemory(ctx, input);
  const { runId } = await probeOf(id);
  const { config } = await find(runId);
  await ctx.db.prisma.run.update({ where: { id: runId }, data: { config: { ...config, weightsUri: part } } });
  worker = await testWorker(ctx);
  return { id, runId };
}

const ended = (runId: string) => endedRun(ctx, runId);

async function probed(...args: Parameters<typeof started>) {
  const { id, runId } = await started(...args);
  const run = await ended(runId);
  const probe = await probeOf(id);
  return { run, probe, target: probe.targets[0]! };
}

const outcomes = ({ trials }: ProbeTarget) => trials.map((t) => [t.accumulation, t.outcome]);
const linesOf = async (runId: string) =>
  (await findLogLines(ctx.db.prisma, runId, { afterSeq: 0, limit: 50 })).map((l) => l.line);

describe('one network', () => {
  test('accumulation doubles until the peak is within the budget, on the smallest class', async () => {
    const { run, probe, target } = await probed('probe', 300 * mebibyte);
    expect(run).toMatchObject({ status: 'SUCCEEDED', peakMemory: 2 ** 30, imagesPerSecond: 40 });
    expect(run.config.labels).toEqual(['tungro']);
    expect(probe).toMatchObject({ engine: 'onnxruntime', budget: 300 * mebibyte });
    expect(target).toMatchObject({ ...atto, recommendation: 4, failure: null, equivalence: null });
    expect(target.trials.map((t) => [t.accumulation, t.microBatchSize, t.peakMemory, t.outcome, t.cached])).toEqual([
      [1, 16, 1024 * mebibyte, 'OVER_BUDGET', false],
      [2, 8, 512 * mebibyte, 'OVER_BUDGET', false],
      [4, 4, 256 * mebibyte, 'FITS', false],
    ]);
    expect(await linesOf(run.id)).toEqual([
      'convnext_atto 32x32: accumulation 1, micro-batch 16: peak 1024 MiB of 300 MiB: OVER_BUDGET',
      'convnext_atto 32x32: accumulation 2, micro-batch 8: peak 512 MiB of 300 MiB: OVER_BUDGET',
      'convnext_atto 32x32: accumulation 4, micro-batch 4: peak 256 MiB of 300 MiB: FITS',
    ]);
    expect(run.progress).toMatchObject({ phase: 'PROBING', epoch: 1, epochs: 1, batch: 0, batches: 4 });
  });

  test('a process that really takes more than the budget is ended, with what it had by then', async () => {
    const { run, target } = await probed('allocate 2000', 400 * mebibyte);
    expect(run.status).toBe('SUCCEEDED');
    expect(outcomes(target)).toEqual([
      [1, 'OUT_OF_MEMORY'],
      [2, 'OUT_OF_MEMORY'],
      [4, 'OUT_OF_MEMORY'],
      [8, 'FITS'],
    ]);
    const [first] = target.trials;
    expect(first!.peakMemory).toBeGreaterThan(400 * mebibyte);
    expect(first!.peakMemory).toBeLessThan(2000 * mebibyte);
    expect(first!.message).toMatch(
      /^the trainer was ended because its resident memory, \d+ bytes .*the probe's budget of 419430400 bytes/,
    );
    expect(target.trials.at(-1)!.peakMemory).toBeLessThan(400 * mebibyte);
    expect(childrenRunning(scriptedTrainer)).toEqual([]);
  });

  test('nothing is recommended when not even the smallest micro-batch fits', async () => {
    const { run, target } = await probed('probe', 64 * mebibyte, { effectiveBatchSize: 12 });
    expect(run.status).toBe('SUCCEEDED');
    expect(target.recommendation).toBeNull();
    expect(target.trials.map((t) => [t.accumulation, t.microBatchSize])).toEqual([
      [1, 12],
      [2, 6],
      [4, 3],
    ]);
  });

  test('a trial that ran out of memory by itself is followed by the next', async () => {
    const { target } = await probed('probe-dies 8', 300 * mebibyte);
    expect(target.recommendation).toBe(8);
    expect(target.trials.map((t) => t.outcome)).toEqual(['OUT_OF_MEMORY', 'OUT_OF_MEMORY', 'OUT_OF_MEMORY', 'FITS']);
    expect(target.trials[0]).toMatchObject({ peakMemory: null, message: 'bad_alloc' });
  });

  test('a trial that fails otherwise fails the probe', async () => {
    const { run, target } = await probed('probe-fails', 300 * mebibyte);
    expect(run).toMatchObject({
      status: 'FAILED',
      failure: { code: 'DATA_UNREADABLE', message: 'convnext_atto 32x32: no such image' },
    });
    expect(target).toMatchObject({ failure: { code: 'DATA_UNREADABLE', message: 'no such image' } });
    expect(target.trials).toMatchObject([{ outcome: 'FAILED', message: 'no such image' }]);
  });
});

describe('a list of networks', () => {
  test('is measured one after the other; a bad one does not keep the others from it', async () => {
    const large = { ...atto, size: { height: 64, width: 32 } };
    const { run, probe } = await probed('probe-fails vit', 600 * mebibyte, { targets: [atto, tiny, large] });
    expect(run).toMatchObject({ status: 'SUCCEEDED', failure: null, peakMemory: 2 ** 30, imagesPerSecond: null });
    expect(probe.targets).toMatchObject([
      { ...atto, recommendation: 2, failure: null },
      { ...tiny, recommendation: null, failure: { code: 'DATA_UNREADABLE' }, trials: [{ outcome: 'FAILED' }] },
      { ...large, recommendation: 2, failure: null },
    ]);
    const [series] = await metricHistory(ctx.db.prisma, run.id, { names: ['probe/peak_memory'], maxPoints: 10 });
    expect(series?.points.map((point) => point.step)).toEqual([1, 2, 3, 4]);
    expect(run.progress).toMatchObject({ phase: 'PROBING', epoch: 3, epochs: 3, batch: 0 });
  });

  test('fails with the first reason when none of it can be measured', async () => {
    const { run } = await probed('probe-fails', 600 * mebibyte, { targets: [tiny, atto] });
    expect(run).toMatchObject({
      status: 'FAILED',
      failure: { message: 'vit_tiny_patch16_224 32x32: no such image' },
    });
  });

  test('is canceled in its middle, and keeps what was measured', async () => {
    const { id, runId } = await started('patient vit', 600 * mebibyte, {
      targets: [atto, tiny, { ...tiny, precision: 'FP32' }],
    });
    await expect.poll(async () => (await find(runId)).progress?.epoch, patience).toBe(1);
    await expect.poll(() => childrenRunning(scriptedTrainer).length, patience).toBe(1);
    await cancelRun(ctx, runId);
    expect((await ended(runId)).status).toBe('CANCELED');
    const { targets } = await probeOf(id);
    expect(targets.map((t) => [t.recommendation, t.trials.length, t.failure])).toEqual([
      [2, 2, null],
      [null, 0, null],
      [null, 0, null],
    ]);
    expect(childrenRunning(scriptedTrainer)).toEqual([]);
  });
});

test('a worker that stops gives its probe back; what it measured is not measured again', async () => {
  await ctx.db.prisma.memoryMeasurement.deleteMany();
  const more = { targets: [atto, tiny], refresh: false };
  const { id, runId } = await started('patient vit', 600 * mebibyte, more);
  await expect.poll(async () => (await find(runId)).progress?.epoch, patience).toBe(1);
  await worker.stop();
  expect((await probeOf(id)).targets.map((t) => [t.recommendation, t.trials.length])).toEqual([
    [null, 0],
    [null, 0],
  ]);
  const { config } = await find(runId);
  await ctx.db.prisma.run.update({ where: { id: runId }, data: { config: { ...config, weightsUri: 'probe' } } });
  worker = await testWorker(ctx);
  expect((await ended(runId)).status).toBe('SUCCEEDED');
  expect((await probeOf(id)).targets.map((t) => t.trials.map((trial) => trial.cached))).toEqual([
    [true, true],
    [false, false],
  ]);
});

describe('what was measured before', () => {
  const childrenOf = async (runId: string) => (await findAttempts(ctx.db.prisma, [runId])).map(({ pid }) => pid);

  test('is not measured again: the second probe starts no process', async () => {
    await probed('probe', 300 * mebibyte);
    const { run, probe, target } = await probed('probe-fails', 600 * mebibyte, { refresh: false });
    expect(run.status).toBe('SUCCEEDED');
    expect(await childrenOf(run.id)).toEqual([null]);
    expect(probe.engine).toBe('onnxruntime');
    // Another budget, another answer.
    expect(target.recommendation).toBe(2);
    expect(target.trials).toMatchObject([
      { outcome: 'OVER_BUDGET', peakMemory: 1024 * mebibyte, cached: true, imagesPerSecond: 10, message: null },
      { outcome: 'FITS', peakMemory: 512 * mebibyte, cached: true, imagesPerSecond: 20 },
    ]);
    expect(await linesOf(run.id)).toContain(
      'convnext_atto 32x32: accumulation 2, micro-batch 8: peak 512 MiB of 600 MiB: FITS (cached)',
    );
  });

  test('counts by micro-batch: of another effective batch size too', async () => {
    await probed('probe', 300 * mebibyte);
    const { target } = await probed('probe-fails', 600 * mebibyte, { refresh: false, effectiveBatchSize: 8 });
    expect(target.trials).toMatchObject([{ accumulation: 1, microBatchSize: 8, outcome: 'FITS', cached: true }]);
  });

  test('is measured again on request', async () => {
    await probed('probe', 300 * mebibyte);
    const { target } = await probed('probe', 2 ** 30, { refresh: true });
    expect(target.trials).toMatchObject([{ outcome: 'FITS', cached: false }]);
  });

  test('by a process that was ended is known to need more than that, and nothing else', async () => {
    await ctx.db.prisma.memoryMeasurement.deleteMany();
    const before = await probed('allocate 760', 400 * mebibyte);
    const { peakMemory } = before.target.trials[0]!;
    expect(outcomes(before.target)).toEqual([
      [1, 'OUT_OF_MEMORY'],
      [2, 'OUT_OF_MEMORY'],
      [4, 'FITS'],
    ]);
    const less = await probed('probe-fails', 350 * mebibyte, { refresh: false });
    expect(less.target.trials).toMatchObject([
      { outcome: 'OUT_OF_MEMORY', peakMemory, cached: true },
      { outcome: 'OUT_OF_MEMORY', cached: true },
      { outcome: 'FITS', cached: true },
    ]);
    const more = await probed('allocate 760', 2000 * mebibyte, { refresh: false });
    expect(more.target.trials).toMatchObject([{ accumulation: 1, outcome: 'FITS', cached: false }]);
    expect(more.target.trials[0]!.peakMemory).toBeGreaterThan(700 * mebibyte);
  });

  test.each(['probe-dies 16', 'probe-elsewhere'])(
    'is not kept where it tells nothing of the machine: %s',
    async (part) => {
      await ctx.db.prisma.memoryMeasurement.deleteMany();
      await probed(part, 300 * mebibyte);
      expect(await ctx.db.prisma.memoryMeasurement.count()).toBe(0);
    },
  );

  test('tells a run with autoAccumulation where to begin', async () => {
    await ctx.db.prisma.memoryMeasurement.deleteMany();
    await probed('probe', 300 * mebibyte);
    const config = { ...smallConfig, itemTransform: { size: atto.size }, effectiveBatchSize: 16 };
    const limited = { ...config, weightsUri: 'succeed', autoAccumulation: true, memoryBudget: 300 * mebibyte };
    const id = await startRun(ctx, { experimentId, config: limited });
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', config: { accumulation: 4 } });
    expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([{ accumulation: 4, status: 'SUCCEEDED' }]);
    expect(await linesOf(id)).toContain(
      "accumulation 4 instead of 1: a memory probe has found that less of it needs more than the run's memoryBudget",
    );
  });
});

describe('accumulation against none', () => {
  test('is compared on the micro-batch that fits, and stored with its target', async () => {
    const { run, target } = await probed('probe', 300 * mebibyte, { equivalence: true });
    expect(target.equivalence).toMatchObject({ accumulation: 4, samples: 4, gradientDifference: 1e-6 });
    expect((await linesOf(run.id)).at(-1)).toBe(
      'convnext_atto 32x32: accumulation 4 and 1 agree: gradients 1.0e-6 of the largest apart',
    );
  });

  test.each([
    ['1 is recommended', 2 ** 30, 16, 2],
    ['the recommendation does not divide the micro-batch', 300 * mebibyte, 12, 3],
  ])('takes the fewest parts where %s', async (_, budget, effectiveBatchSize, parts) => {
    const { target } = await probed('probe', budget, { effectiveBatchSize, equivalence: true });
    expect(target.equivalence).toMatchObject({ accumulation: parts });
  });

  test('says why it could not be compared, and keeps the answer', async () => {
    const { run, target } = await probed('probe-incomparable', 600 * mebibyte, { equivalence: true });
    expect(run.status).toBe('SUCCEEDED');
    expect(target).toMatchObject({
      ...{ recommendation: 2, equivalence: null },
      failure: { code: 'INTERNAL', message: 'accumulation could not be compared: no gradient' },
    });
  });
});
