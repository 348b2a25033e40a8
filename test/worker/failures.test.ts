/** Every way in which a run fails, provoked for real: with the trainer itself, or with processes that really die of it. */

import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { readEvents } from '../../src/store/event.ts';
import { findLogLines } from '../../src/store/log.ts';
import { findSummaries, metricHistory } from '../../src/store/metric.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { startHub } from '../support/hubServer.ts';
import { quickRetries } from '../support/retries.ts';
import { endedRun } from '../support/runs.ts';
import { testWorker } from '../support/worker.ts';

let ctx: TestContext;
let folder: string;
const patience = { timeout: 110_000, interval: 100 };
const trainer = fileURLToPath(new URL('../../src/bin/trainer.ts', import.meta.url));
const support = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url));

beforeAll(async () => {
  ctx = { ...(await testContext()), retries: quickRetries };
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-failures-'));
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true });
});

const size = { height: 32, width: 32 };
const config = {
  ...{ architecture: 'convnext_atto', pretrained: false, itemTransform: { size: { height: 64, width: 64 } }, size },
  ...{ effectiveBatchSize: 8, accumulation: 2, epochs: 1, freezeEpochs: 1, schedule: 'FIT_ONE_CYCLE' },
};

/** A worker for one test. */
async function worker(module: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const started = await testWorker(ctx, module, env);
  onTestFinished(started.stop);
}

let experiments = 0;

/** An experiment over drawn images of its own. Needs a worker, for the import. */
async function leaves() {
  const root = path.join(folder, `leaves ${++experiments}`);
  await drawLeafDataset(root, { seed: 3, classes: { healthy: 14, tungro: 10 }, testImages: 2 });
  const datasetId = await importDataset(ctx, { name: `leaves ${experiments}`, path: root });
  await vi.waitFor(async () => {
    expect((await findDataset(ctx.db.prisma, { id: datasetId }))?.status).toBe('READY');
  }, patience);
  const experimentId = await createExperiment(ctx, { name: `leaves ${experiments}`, datasetId });
  const images = path.join(root, 'train_images', 'tungro');
  const first = path.join(images, (await readdir(images)).sort()[0]!);
  return { experimentId, first };
}

async function failureOf(experimentId: string, changes: object) {
  const run = await endedRun(ctx, await startRun(ctx, { experimentId, config: { ...config, ...changes } }));
  const attempts = await findAttempts(ctx.db.prisma, [run.id]);
  const lines = await findLogLines(ctx.db.prisma, run.id, { afterSeq: 0, limit: 100_000 });
  return { run, attempts, lines, ...run.failure };
}

describe('OUT_OF_MEMORY', () => {
  test("of V8's heap", async () => {
    await worker(support('dyingTrainer.ts'), { NODE_OPTIONS: '--max-old-space-size=96' });
    const { experimentId } = await leaves();
    const { code, message, attempts } = await failureOf(experimentId, { weightsUri: 'heap' });
    expect(code).toBe('OUT_OF_MEMORY');
    expect(message).toMatch(/because memory ran out; its last output:\n.*JavaScript heap out of memory/s);
    expect(message).toContain('use accumulation 4 or autoAccumulation');
    expect(attempts).toHaveLength(1);
  });

  test('of native allocations, in the trainer itself', async () => {
    await worker(support('crampedTrainer.ts'), { MORE_ADDRESS_SPACE: String(64 * 2 ** 20) });
    const { experimentId } = await leaves();
    const { code, message } = await failureOf(experimentId, {
      ...{ size: { height: 256, width: 256 }, effectiveBatchSize: 16, accumulation: 1 },
    });
    expect(code, message).toBe('OUT_OF_MEMORY');
    expect(message).toContain('use accumulation 2 or autoAccumulation');
  });
});

describe('DIVERGED', () => {
  test('names the step; the last finite points are there, and the one that is not', async () => {
    await worker(trainer);
    const { experimentId } = await leaves();
    const { run, code, message } = await failureOf(experimentId, {
      // Weights grow a hundredfold with every step, until they overflow.
      ...{ baseLearningRate: 100, weightDecay: 1, epochs: 30 },
    });
    expect({ code, message }).toEqual({ code: 'DIVERGED', message: expect.stringMatching(/at step \d+ /) });
    const step = Number(/at step (\d+)/.exec(message!)![1]);
    const [losses] = await metricHistory(ctx.db.prisma, run.id, { names: ['train/loss'], maxPoints: 10_000 });
    expect(losses!.points.at(-1)).toMatchObject({ step });
    expect(losses!.points.map(({ value }) => Number.isFinite(value)).indexOf(false)).toBe(step - 1);
    const summary = (await findSummaries(ctx.db.prisma, [run.id])).find(({ name }) => name === 'train/loss')!;
    expect(Number.isFinite(summary.min)).toBe(true);
  });
});

describe('DATA_UNREADABLE', () => {
  test('names the file that was cut short after the import; with SKIP it is left out and counted', async () => {
    await worker(trainer, { RUNGRAPH_CACHE_BYTES: '1' });
    const { experimentId, first } = await leaves();
    await truncate(first, 100);
    const failed = await failureOf(experimentId, {});
    expect(failed).toMatchObject({ code: 'DATA_UNREADABLE', message: expect.stringContaining(`${first}: `) });
    expect(failed.attempts).toHaveLength(1);

    const { run, lines } = await failureOf(experimentId, { unreadableImages: 'SKIP' });
    expect(run).toMatchObject({
      status: 'SUCCEEDED',
      skippedImages: [{ path: first, reason: 'it is not the file that was imported any more' }],
    });
    expect(lines.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(`^1 of 26 images cannot be read and are left out: ${first} `),
    );

    await rm(first);
    expect(await failureOf(experimentId, {})).toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringMatching(/no such file/),
    });
  });
});

test('WEIGHTS_UNAVAILABLE: a file that is not there is not looked for again, a hub that does not answer is asked again', async () => {
  const hub = await startHub({});
  await worker(trainer, { HF_HUB_OFFLINE: '0', HF_ENDPOINT: hub.url });
  const { experimentId } = await leaves();
  const missing = path.join(folder, 'weights.safetensors');
  const gone = await failureOf(experimentId, { pretrained: true, weightsUri: missing });
  expect(gone).toMatchObject({ code: 'WEIGHTS_UNAVAILABLE', message: expect.stringContaining(missing) });
  expect(gone.attempts).toHaveLength(1);
  await hub.close();
  const silent = await failureOf(experimentId, { pretrained: true, weightsUri: 'hf://o/n' });
  expect(silent).toMatchObject({ code: 'WEIGHTS_UNAVAILABLE', message: expect.stringContaining('o/n') });
  expect(silent.attempts.map(({ failure }) => [failure?.code, failure?.retryable])).toEqual([
    ['WEIGHTS_UNAVAILABLE', true],
    ['WEIGHTS_UNAVAILABLE', true],
  ]);
});

test('TIMEOUT: all attempts of a run together take what its maxSeconds allow', async () => {
  await worker(trainer);
  const { experimentId } = await leaves();
  const { code, message, attempts, run } = await failureOf(experimentId, { epochs: 100_000, maxSeconds: 12 });
  expect({ code, message }).toEqual({ code: 'TIMEOUT', message: expect.stringContaining('maxSeconds of 12') });
  expect(attempts).toHaveLength(1);
  expect((await findSummaries(ctx.db.prisma, [run.id])).length).toBeGreaterThan(0);
});

describe('TRAINER_CRASHED', () => {
  test('is tried again and then told with its signal', async () => {
    await worker(support('dyingTrainer.ts'));
    const { experimentId } = await leaves();
    const { code, message, attempts, run } = await failureOf(experimentId, { weightsUri: 'kill' });
    expect(code).toBe('TRAINER_CRASHED');
    expect(message).toMatch(
      /^2 attempts in a row came no further; the last one: the trainer was killed by SIGKILL; it printed nothing$/,
    );
    expect(attempts.map((attempt) => [attempt.status, attempt.failure?.code, attempt.failure?.retryable])).toEqual([
      ['FAILED', 'TRAINER_CRASHED', true],
      ['FAILED', 'TRAINER_CRASHED', true],
    ]);
    const events = await readEvents(ctx.db.prisma, [{ runId: run.id, after: 0 }], 100);
    const statuses = events.flatMap(({ payload }) => (payload.kind === 'STATUS' ? [payload] : []));
    expect(statuses.map(({ status, failure, nextAttemptAt }) => [status, failure?.code, typeof nextAttemptAt])).toEqual(
      [
        ['QUEUED', undefined, 'undefined'],
        ['RUNNING', undefined, 'undefined'],
        ['QUEUED', 'TRAINER_CRASHED', 'string'],
        ['RUNNING', undefined, 'undefined'],
        ['FAILED', 'TRAINER_CRASHED', 'undefined'],
      ],
    );
  });
});

describe('output of a trainer', () => {
  test('that is one endless line, no text or a flood is kept within bounds, and the run goes on', async () => {
    await worker(support('dyingTrainer.ts'));
    const { experimentId } = await leaves();
    const endless = await failureOf(experimentId, { weightsUri: `line ${64 * 2 ** 20}` });
    expect(endless.run.status).toBe('SUCCEEDED');
    expect(endless.lines).toHaveLength(1);
    expect(endless.lines[0]!.line).toMatch(/^x{4000}… \(67104864 more characters\)$/);

    const garbage = await failureOf(experimentId, { weightsUri: `garbage ${2 ** 16}` });
    expect(garbage.run.status).toBe('SUCCEEDED');
    expect(garbage.lines.at(-1)!.line).toBe('after the garbage');
    expect(garbage.lines.every(({ line }) => !line.includes('\0') && line.length < 4100)).toBe(true);

    const flood = await failureOf(experimentId, { weightsUri: 'flood 200000' });
    expect(flood.run.status).toBe('SUCCEEDED');
    expect(flood.lines).toHaveLength(50_001);
    expect(flood.lines.slice(-2).map(({ line }) => line)).toEqual([
      'line 49999',
      '150000 more lines of output were not kept: it had written enough',
    ]);
  });
});
