import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginAttempt, raiseAccumulation, requeueAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { findCheckpoints } from '../../src/commands/checkpoints.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { retryRun } from '../../src/commands/retryRun.ts';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { type CheckpointPlace, checkpointName } from '../../src/domain/checkpoint.ts';
import type { RunFailure } from '../../src/domain/run.ts';
import type { ResumedFrom, TrainerEnvironment, TrainerEvent } from '../../src/domain/trainer.ts';
import { UserInputError } from '../../src/errors.ts';
import { type AttemptToken, findAttempts } from '../../src/store/attempt.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { readEvents } from '../../src/store/event.ts';
import { memorySeries } from '../../src/store/memory.ts';
import { findSummaries, metricHistory } from '../../src/store/metric.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import { findRun } from '../../src/store/run.ts';
import { drawnPredictions } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { epoch, smallConfig, trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let experimentId: string;
let workerId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
  workerId = await registerWorker(ctx, { host: 'here', pid: 1, version: '0', engine: 'auto', devices: [] });
});
afterAll(() => ctx.close());

const db = () => ctx.db.prisma;
const begin = async (runId: string, redelivered = false): Promise<AttemptToken> => {
  return { runId, attempt: (await beginAttempt(ctx, { runId, workerId, redelivered }))!.attempt };
};
const running = async (config: object = {}) =>
  begin(await startRun(ctx, { experimentId, config: { ...smallConfig, ...config } }));
/** The next attempt, as when the worker was stopped. */
const next = async (token: AttemptToken) => {
  await requeueAttempt(ctx, token);
  return begin(token.runId);
};
const payloads = async (runId: string) =>
  (await readEvents(db(), [{ runId, after: 0 }], 1000)).map(({ payload }) => payload);

const environment: TrainerEnvironment = {
  engine: 'onnxruntime',
  device: 'cpu',
  precision: 'FP32',
  versions: { onnxruntime: '1' },
};
const started = (resumedFrom: ResumedFrom | null, where: Partial<TrainerEnvironment> = {}): TrainerEvent => {
  return { kind: 'started', environment: { ...environment, ...where }, resumedFrom };
};
const points = (values: readonly number[], from = 1, name = 'train/loss'): TrainerEvent => {
  return { kind: 'metrics', points: values.map((value, i) => ({ name, step: from + i, value })) };
};
const predictions = (seed: number): TrainerEvent => {
  return {
    kind: 'predictions',
    predictions: drawnPredictions(seed, ['a.jpg', 'b.jpg'], ['blast', 'normal', 'tungro']),
  };
};
const memoryAt = (step: number): TrainerEvent => {
  return { kind: 'memory', point: { step, used: 1, peak: 2, deviceUsed: null, deviceTotal: null } };
};
let contents = 0;
/** A checkpoint whose bytes are among the blobs. */
async function checkpoint(place: CheckpointPlace): Promise<TrainerEvent & { stored: { hash: string } }> {
  const stored = await ctx.blobs.put(Buffer.from(`checkpoint ${++contents}`));
  return { kind: 'checkpoint', checkpoint: { name: checkpointName(place), path: '/gone' }, stored };
}
const namesOf = async (runId: string) => (await findCheckpoints(db(), runId)).map(({ artifact }) => artifact.name);
const failure: RunFailure = { code: 'TRAINER_CRASHED', message: 'killed', retryable: false };

describe('what a resumed attempt computes again', () => {
  test('keeps its first value and makes no second event', async () => {
    const first = await running();
    await recordEvents(ctx, first, [
      started(null),
      points([3, 2, 1]),
      memoryAt(3),
      { kind: 'epoch', epoch: epoch(0, { seconds: 1 }) },
      predictions(1),
    ]);
    const [set] = (await predictionSetsOfRuns(db(), [first.runId])).get(first.runId)!;
    const before = await payloads(first.runId);
    const second = await next(first);
    await recordEvents(ctx, second, [
      started({ epoch: 0, step: 1, attempt: 1, trained: false }),
      points([20, 10, 0.5], 2),
      points([7], 2),
      memoryAt(2),
      { kind: 'epoch', epoch: epoch(0, { seconds: 2 }) },
      { kind: 'epoch', epoch: epoch(1) },
      predictions(2),
    ]);
    const { runId } = first;
    const [series] = await metricHistory(db(), runId, { maxPoints: 10 });
    expect(series!.points.map(({ step, value }) => [step, value])).toEqual([
      [1, 3],
      [2, 2],
      [3, 1],
      [4, 0.5],
    ]);
    expect(await findSummaries(db(), [runId])).toMatchObject([{ count: 4, first: 3, last: 0.5, min: 0.5, max: 3 }]);
    expect((await findEpochs(db(), [runId])).map(({ index, seconds }) => [index, seconds])).toEqual([
      [0, 1],
      [1, 1.5],
    ]);
    expect((await predictionSetsOfRuns(db(), [runId])).get(runId)).toEqual([set]);
    expect((await payloads(runId)).slice(before.length)).toEqual([
      { kind: 'STATUS', status: 'QUEUED', attempt: 1, failure: null },
      { kind: 'STATUS', status: 'RUNNING', attempt: 2, failure: null },
      { kind: 'METRICS', points: [{ name: 'train/loss', step: 4, value: 0.5 }] },
      { kind: 'MEMORY', point: expect.objectContaining({ step: 2 }) },
      { kind: 'EPOCH', epoch: epoch(1) },
    ]);
    expect(await findAttempts(db(), [runId])).toMatchObject([{ resumedFromEpoch: null }, { resumedFromEpoch: 0 }]);
  });

  test.each([
    ['engine', { engine: 'tensorflow' }],
    ['device', { device: 'other cpu' }],
    ['versions', { versions: { onnxruntime: '2' } }],
  ])('on another %s: what lies past the checkpoint is forgotten first', async (_, elsewhere) => {
    const first = await running();
    await recordEvents(ctx, first, [
      started(null),
      points([3, 2, 1]),
      points([0.1, 0.2], 2, 'valid/error_rate'),
      ...[memoryAt(0), memoryAt(1), memoryAt(3)],
      { kind: 'epoch', epoch: epoch(0) },
      { kind: 'epoch', epoch: epoch(1) },
      predictions(1),
    ]);
    const second = await next(first);
    await recordEvents(ctx, second, [
      started({ epoch: 1, step: 2, attempt: 1, trained: false }, elsewhere),
      points([9], 3),
    ]);
    const { runId } = first;
    expect(await findSummaries(db(), [runId])).toMatchObject([
      { name: 'train/loss', count: 3, first: 3, last: 9, min: 2, minStep: 2, max: 9, maxStep: 3 },
      { name: 'valid/error_rate', count: 1, last: 0.1, min: 0.1, max: 0.1 },
    ]);
    expect((await findEpochs(db(), [runId])).map(({ index }) => index)).toEqual([0]);
    expect((await memorySeries(db(), runId, 10)).points.map(({ step }) => step)).toEqual([0, 1]);
    expect((await predictionSetsOfRuns(db(), [runId])).get(runId)).toEqual([]);
    expect(await findRun(db(), runId)).toMatchObject({ objectiveValue: 0.1 });
    // The third runs where the second did, so that what the second has stored stays.
    const third = await next(second);
    await recordEvents(ctx, third, [started({ epoch: 1, step: 2, attempt: 2, trained: false }, elsewhere)]);
    expect(await findSummaries(db(), [runId])).toMatchObject([{ last: 9 }, {}]);
  });

  test('predictions stay where nothing was left to train', async () => {
    const first = await running();
    await recordEvents(ctx, first, [started(null), points([3, 2]), predictions(1)]);
    const second = await next(first);
    const done: ResumedFrom = { epoch: 2, step: 2, attempt: 1, trained: true };
    await recordEvents(ctx, second, [started(done, { device: 'other' })]);
    expect((await predictionSetsOfRuns(db(), [first.runId])).get(first.runId)).toHaveLength(1);
  });

  test('with more accumulation nothing stays, and no checkpoint', async () => {
    const token = await running({ effectiveBatchSize: 8 });
    const stored = await checkpoint({ epoch: 1, batch: 0 });
    await recordEvents(ctx, token, [started(null), points([3]), stored]);
    const second = await next(token);
    await raiseAccumulation(ctx, second, 2);
    expect(await findSummaries(db(), [token.runId])).toEqual([]);
    expect(await namesOf(token.runId)).toEqual([]);
    expect(await ctx.blobs.has(stored.stored.hash)).toBe(false);
  });
});

describe('checkpoints', () => {
  test('are kept by the policy; the bytes of the others go', async () => {
    const token = await running({ epochs: 10, checkpoints: { keepLast: 2, keepBest: true, keepEvery: 3 } });
    const { runId } = token;
    const errorRates = [0.5, 0.2, 0.4, 0.3, 0.2, 0.6, 0.6];
    const hashes: string[] = [];
    for (const [index, errorRate] of errorRates.entries()) {
      const [within, after] = [
        await checkpoint({ epoch: index, batch: 5 }),
        await checkpoint({ epoch: index + 1, batch: 0 }),
      ];
      hashes.push(within.stored.hash, after.stored.hash);
      const done: TrainerEvent = { kind: 'epoch', epoch: epoch(index, { errorRate, validLoss: 1 / (index + 1) }) };
      await recordEvents(ctx, token, [within, done, after]);
    }
    // The fifth epoch is as good as the second by its error rate, and better by its loss.
    const kept = ['epoch-7', 'epoch-6-batch-5', 'epoch-6', 'epoch-5', 'epoch-3'];
    expect(await namesOf(runId)).toEqual(kept.map((name) => `checkpoint-${name}.safetensors`));
    const there = await Promise.all(hashes.map((hash) => ctx.blobs.has(hash)));
    expect(there.filter(Boolean)).toHaveLength(kept.length);

    const outcome = { status: 'SUCCEEDED', imagesPerSecond: null, peakMemory: null, trainSeconds: null } as const;
    await settleAttempt(ctx, token, outcome);
    expect(await namesOf(runId)).toEqual(
      ['epoch-6', 'epoch-5', 'epoch-3'].map((name) => `checkpoint-${name}.safetensors`),
    );
  });

  test('of the same place replace each other', async () => {
    const token = await running();
    const [first, second] = [await checkpoint({ epoch: 1, batch: 0 }), await checkpoint({ epoch: 1, batch: 0 })];
    await recordEvents(ctx, token, [first]);
    await recordEvents(ctx, token, [second]);
    expect(await findCheckpoints(db(), token.runId)).toMatchObject([
      { epoch: 1, batch: 0, artifact: { kind: 'CHECKPOINT', contentHash: second.stored.hash } },
    ]);
    expect(await ctx.blobs.has(first.stored.hash)).toBe(false);
  });

  test('of an attempt that was given up are not added', async () => {
    const token = await running();
    await begin(token.runId, true);
    expect(await recordEvents(ctx, token, [await checkpoint({ epoch: 1, batch: 0 })])).toBe('stale');
    expect(await namesOf(token.runId)).toEqual([]);
  });

  test('whose bytes are gone are not added', async () => {
    const token = await running();
    const hash = createHash('sha256').update('never stored').digest('hex');
    const gone: TrainerEvent = {
      ...(await checkpoint({ epoch: 1, batch: 0 })),
      kind: 'checkpoint',
      checkpoint: { name: checkpointName({ epoch: 1, batch: 0 }), path: '/gone' },
      stored: { hash, size: 1 },
    };
    await expect(recordEvents(ctx, token, [gone])).rejects.toThrow(UserInputError);
    expect(await namesOf(token.runId)).toEqual([]);
  });
});

describe('retryRun', () => {
  test('a run that has failed waits again, with what it has measured; it ends once more', async () => {
    const token = await running();
    const { runId } = token;
    await recordEvents(ctx, token, [started(null), points([3]), await checkpoint({ epoch: 1, batch: 0 })]);
    await settleAttempt(ctx, token, { status: 'FAILED', failure });
    await retryRun(ctx, runId);
    expect(await findRun(db(), runId)).toMatchObject({ status: 'QUEUED', failure: null, finishedAt: null });
    await retryRun(ctx, runId); // stays as it is
    const jobs = await ctx.db.pool.query(`select from pgboss.job where data->>'runId' = $1`, [runId]);
    expect(jobs.rowCount).toBe(2);
    expect(await namesOf(runId)).toHaveLength(1);
    expect(await findSummaries(db(), [runId])).toHaveLength(1);

    const second = await begin(runId);
    await settleAttempt(ctx, second, { status: 'FAILED', failure });
    const statuses = (await payloads(runId)).flatMap((payload) => (payload.kind === 'STATUS' ? [payload.status] : []));
    expect(statuses).toEqual(['QUEUED', 'RUNNING', 'FAILED', 'QUEUED', 'RUNNING', 'FAILED']);
  });

  test('a run that was canceled, before or while it ran', async () => {
    const queued = await startRun(ctx, { experimentId, config: smallConfig });
    await cancelRun(ctx, queued);
    await retryRun(ctx, queued);
    expect((await begin(queued)).attempt).toBe(1);
    const token = await running();
    await cancelRun(ctx, token.runId);
    await expect(retryRun(ctx, token.runId)).rejects.toThrow('is being canceled');
    await settleAttempt(ctx, token, { status: 'CANCELED' });
    await retryRun(ctx, token.runId);
    expect((await begin(token.runId)).attempt).toBe(2);
  });

  test('refuses a run that has succeeded, and one that is not there', async () => {
    const token = await running();
    const outcome = { status: 'SUCCEEDED', imagesPerSecond: null, peakMemory: null, trainSeconds: null } as const;
    await settleAttempt(ctx, token, outcome);
    await expect(retryRun(ctx, token.runId)).rejects.toThrow('has SUCCEEDED');
    await expect(retryRun(ctx, 'run_gone')).rejects.toThrow('run_gone');
  });
});
