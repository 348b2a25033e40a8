import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAttempt } from '../../src/commands/attempt.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { createListener } from '../../src/db/listener.ts';
import type { RunProgress } from '../../src/domain/run.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { createRunWaker, runEventChannel } from '../../src/events/waker.ts';
import { type AttemptToken, findAttempts } from '../../src/store/attempt.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { readEvents } from '../../src/store/event.ts';
import { findLogLines } from '../../src/store/log.ts';
import { memorySeries } from '../../src/store/memory.ts';
import { findSummaries, metricHistory, type StepRange } from '../../src/store/metric.ts';
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

async function running(): Promise<AttemptToken> {
  const runId = await startRun(ctx, { experimentId, config: smallConfig });
  return { runId, attempt: (await beginAttempt(ctx, { runId, workerId, redelivered: false }))!.attempt };
}

const points = (name: string, values: readonly number[], from = 1): TrainerEvent => ({
  kind: 'metrics',
  points: values.map((value, i) => ({ name, step: from + i, value })),
});
const progress: RunProgress = {
  ...{ phase: 'FROZEN', epoch: 0, epochs: 2, batch: 3, batches: 9 },
  ...{ imagesPerSecond: 55.5, etaSeconds: 12 },
} as const;

test('every event is stored in order, numbered without gaps, and read back as it was', async () => {
  const token = await running();
  const memory = { step: 3, used: 1e9, peak: 2e9, deviceUsed: 5, deviceTotal: null };
  const predictions = drawnPredictions(3, ['a.jpg', 'b.jpg'], ['blast', 'normal', 'tungro']);
  const environment = {
    engine: 'onnxruntime',
    device: 'cpu',
    precision: 'FP32',
    versions: { onnxruntime: '1.30.0' },
  } as const;
  await recordEvents(ctx, token, [
    { kind: 'started', environment, resumedFrom: null },
    { kind: 'log', stream: 'stdout', line: 'hello \0 world' },
    { kind: 'progress', progress },
  ]);
  await recordEvents(ctx, token, [
    points('train/loss', [Number.NaN, 0.5]),
    { kind: 'memory', point: memory },
    { kind: 'epoch', epoch: epoch(0, { trainLoss: Number.POSITIVE_INFINITY, validLoss: Number.NaN }) },
    { kind: 'predictions', predictions },
  ]);
  const events = await readEvents(db(), [{ runId: token.runId, after: 0 }], 100);
  expect(events.map((e) => e.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(events.slice(2).map((e) => e.payload)).toEqual([
    { kind: 'LOG', stream: 'stdout', line: 'hello \uFFFD world', logSeq: 1 },
    { kind: 'PROGRESS', progress },
    {
      kind: 'METRICS',
      points: [
        { name: 'train/loss', step: 1, value: Number.NaN },
        { name: 'train/loss', step: 2, value: 0.5 },
      ],
    },
    { kind: 'MEMORY', point: memory },
    { kind: 'EPOCH', epoch: epoch(0, { trainLoss: Number.POSITIVE_INFINITY, validLoss: Number.NaN }) },
    { kind: 'PREDICTIONS', predictionSetId: expect.stringMatching(/^prd_/), split: 'TEST', predictionKind: 'TTA' },
  ]);
  expect(await findRun(db(), token.runId)).toMatchObject({ progress, imagesPerSecond: 55.5, peakMemory: 2e9 });
  expect(await findAttempts(db(), [token.runId])).toMatchObject([environment]);
  expect(await findLogLines(db(), token.runId, { afterSeq: 0, limit: 5 })).toMatchObject([
    { seq: 1, stream: 'stdout', line: 'hello \uFFFD world' },
  ]);
  expect((await memorySeries(db(), token.runId, 10)).points).toEqual([{ ...memory, at: expect.any(Date) }]);
  expect(await findEpochs(db(), [token.runId])).toMatchObject([
    { index: 0, trainLoss: Number.POSITIVE_INFINITY, validLoss: Number.NaN, learningRates: [1e-4, 1e-3] },
  ]);
});

test('summaries over batches: first, last, and finite extremes with their steps; NaN never wins', async () => {
  const token = await running();
  await recordEvents(ctx, token, [points('train/loss', [Number.NaN, 0.7, Number.NEGATIVE_INFINITY])]);
  await recordEvents(ctx, token, [points('train/loss', [0.3, 0.9, Number.POSITIVE_INFINITY], 4)]);
  await recordEvents(ctx, token, [points('train/loss', [0.5, Number.NaN], 7), points('only/nan', [Number.NaN])]);
  expect(await findSummaries(db(), [token.runId])).toEqual([
    {
      ...{ runId: token.runId, name: 'only/nan', count: 1, firstStep: 1, first: Number.NaN, lastStep: 1 },
      ...{ last: Number.NaN, min: null, minStep: null, max: null, maxStep: null },
    },
    {
      ...{ runId: token.runId, name: 'train/loss', count: 8, firstStep: 1, first: Number.NaN, lastStep: 8 },
      ...{ last: Number.NaN, min: 0.3, minStep: 4, max: 0.9, maxStep: 5 },
    },
  ]);
});

test("the run's objective is its best finite value by the experiment's direction", async () => {
  const token = await running();
  await recordEvents(ctx, token, [points('valid/error_rate', [Number.NaN])]);
  expect(await findRun(db(), token.runId)).toMatchObject({ objectiveValue: null });
  await recordEvents(ctx, token, [points('valid/error_rate', [0.4, 0.2, 0.3], 2)]);
  expect(await findRun(db(), token.runId)).toMatchObject({ objectiveValue: 0.2, objectiveStep: 3 });
  await db().experiment.update({ where: { id: experimentId }, data: { direction: 'DESC' } });
  await recordEvents(ctx, token, [points('valid/error_rate', [0.1], 5)]);
  expect(await findRun(db(), token.runId)).toMatchObject({ objectiveValue: 0.4, objectiveStep: 2 });
  await db().experiment.update({ where: { id: experimentId }, data: { direction: 'ASC' } });
});

test('a long series is thinned to points of it, first, last and extremes among them', async () => {
  const token = await running();
  const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i));
  await recordEvents(ctx, token, [points('train/loss', values), points('lr', [1, 2, 3])]);
  const [lr, loss] = await metricHistory(db(), token.runId, { maxPoints: 100 });
  expect(lr).toMatchObject({ name: 'lr', downsampled: false, total: 3 });
  expect(lr?.points.map((p) => [p.step, p.value])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  expect(loss).toMatchObject({ name: 'train/loss', downsampled: true, total: 5000 });
  const steps = loss!.points.map((p) => p.step);
  expect(steps.length).toBeLessThanOrEqual(100);
  expect(steps.length).toBeGreaterThan(90);
  expect([steps[0], steps.at(-1)]).toEqual([1, 5000]);
  for (const { step, value } of loss!.points) expect(value).toBe(values[step - 1]);
  const within = async (steps: StepRange, maxPoints = 1000) => {
    const series = await metricHistory(db(), token.runId, { names: ['train/loss'], maxPoints, steps });
    return series.map((s) => [s.total, s.downsampled, s.points.map((p) => p.step)]);
  };
  expect(await within({ from: 4991 })).toEqual([[10, false, Array.from({ length: 10 }, (_, i) => 4991 + i)]]);
  expect(await within({ from: 2000, to: 2003 })).toEqual([[4, false, [2000, 2001, 2002, 2003]]]);
  expect(await within({ to: 2 })).toEqual([[2, false, [1, 2]]]);
  expect(await within({ from: 2000, to: 2999 }, 2)).toEqual([[1000, true, [2000, 2999]]]);
  expect(await within({ from: 2000, to: 2999 }, 3)).toEqual([[1000, true, [2000, 2999]]]);
  const stretch = values.slice(1999, 2999);
  const extremes = [Math.min(...stretch), Math.max(...stretch)].map((value) => 2000 + stretch.indexOf(value));
  expect(await within({ from: 2000, to: 2999 }, 4)).toEqual([
    [1000, true, [2000, ...extremes.toSorted((a, b) => a - b), 2999]],
  ]);
  expect(await within({ from: 5001 })).toEqual([]);
});

test('a spike among 100,000 points is not thinned away', async () => {
  const token = await running();
  const [up, down] = [67_891, 31_013];
  await recordEvents(ctx, token, [points('train/loss', [0]), points('flat', new Array(2000).fill(5))]);
  await ctx.db.pool.query(
    `insert into metric_point (run_id, name_id, step, value)
    select $1, n.id, step, case step when $2 then 1e3 when $3 then -1e3 else sin(step) end
    from metric_name n, generate_series(2, 100000) step where n.name = 'train/loss'`,
    [token.runId, up, down],
  );
  for (const maxPoints of [4, 5, 50, 1000]) {
    const [flat, loss] = await metricHistory(db(), token.runId, { maxPoints });
    const steps = loss!.points.map((p) => p.step);
    expect(loss).toMatchObject({ downsampled: true, total: 100_000 });
    expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
    expect(steps.length).toBeLessThanOrEqual(maxPoints);
    expect(steps).toEqual(expect.arrayContaining([1, down, up, 100_000]));
    expect(flat!.points.every(({ value }) => value === 5)).toBe(true);
    expect(flat!.points.length).toBeLessThanOrEqual(maxPoints);
  }
  const [all] = await metricHistory(db(), token.runId, { names: ['train/loss'], maxPoints: 100_000 });
  expect(all).toMatchObject({ downsampled: false, total: 100_000 });
  expect(all!.points).toHaveLength(100_000);
});

test('steps that lie far apart are thinned to as many points at most', async () => {
  const token = await running();
  const furthest = Number.MAX_SAFE_INTEGER;
  const steps = [0, 1, 2, 3, 4, 5, 6, 7, furthest - 2, furthest - 1, furthest];
  await recordEvents(
    ctx,
    token,
    steps.map((step) => points('train/loss', [-step], step)),
  );
  for (let maxPoints = 2; maxPoints < steps.length; maxPoints++) {
    const [loss] = await metricHistory(db(), token.runId, { maxPoints });
    expect(loss).toMatchObject({ downsampled: true, total: steps.length });
    expect(loss!.points.length).toBeLessThanOrEqual(maxPoints);
    expect([loss!.points[0]!.step, loss!.points.at(-1)!.step]).toEqual([0, furthest]);
  }
});

test('a thinned series keeps what is not finite', async () => {
  const token = await running();
  const values = Array.from({ length: 2000 }, (_, i) => (i === 777 ? Number.NaN : i === 1234 ? -Infinity : i));
  await recordEvents(ctx, token, [points('train/loss', values)]);
  const odd = async (steps?: StepRange) => {
    const [series] = await metricHistory(db(), token.runId, { maxPoints: 20, steps });
    expect(series!.points.length).toBeLessThanOrEqual(20);
    expect(series!.points.map((p) => p.step)).toEqual(series!.points.map((p) => p.step).toSorted((a, b) => a - b));
    return series!.points.flatMap((p) => (Number.isFinite(p.value) ? [] : [[p.step, p.value]]));
  };
  expect(await odd()).toEqual([
    [778, Number.NaN],
    [1235, Number.NEGATIVE_INFINITY],
  ]);
  expect(await odd({ from: 779 })).toEqual([[1235, Number.NEGATIVE_INFINITY]]);
  await recordEvents(ctx, token, [points('all/nan', new Array(2000).fill(Number.NaN))]);
  const [nan] = await metricHistory(db(), token.runId, { names: ['all/nan'], maxPoints: 20 });
  expect(nan).toMatchObject({ downsampled: true, total: 2000 });
  expect(nan!.points.length).toBeLessThanOrEqual(20);
  expect([nan!.points[0]!.step, nan!.points.at(-1)!.step]).toEqual([1, 2000]);
});

test('thinned memory keeps every peak', async () => {
  const token = await running();
  const peaks = Array.from({ length: 1000 }, (_, i) => (i === 617 ? 9e9 : 1e9 + i));
  const events = peaks.map((peak, step): TrainerEvent => {
    return { kind: 'memory', point: { step, used: 1, peak, deviceUsed: 2 * peak, deviceTotal: 2e10 } };
  });
  await recordEvents(ctx, token, events);
  const { points: series } = await memorySeries(db(), token.runId, 50);
  expect(series).toHaveLength(50);
  expect(Math.max(...series.map((p) => p.peak))).toBe(9e9);
  expect(Math.max(...series.map((p) => p.deviceUsed!))).toBe(18e9);
  expect(series.at(-1)?.step).toBe(999);
  const zoomed = await memorySeries(db(), token.runId, 50, { from: 600, to: 639 });
  expect(zoomed.points.map((p) => [p.step, p.peak])).toEqual(
    Array.from({ length: 40 }, (_, i) => [600 + i, peaks[600 + i]]),
  );
  expect(await findRun(db(), token.runId)).toMatchObject({ peakMemory: 9e9 });
});

test('batches of one run written at the same time do not mix, and batches of many runs with new names do not block', async () => {
  const tokens = [await running(), await running(), await running()];
  const names = Array.from({ length: 40 }, (_, i) => `new/${i}`);
  await Promise.all(
    tokens.flatMap((token, t) =>
      Array.from({ length: 10 }, (_, batch) => {
        const order = t % 2 ? names : [...names].reverse();
        return recordEvents(
          ctx,
          token,
          order.map((name) => points(name, [batch], batch)),
        );
      }),
    ),
  );
  for (const { runId } of tokens) {
    const events = await readEvents(db(), [{ runId, after: 2 }], 1000);
    expect(events.map((e) => e.seq)).toEqual(Array.from({ length: 400 }, (_, i) => i + 3));
    // The 40 events of a batch stand together.
    for (let at = 0; at < 400; at += 40) {
      const batches = events.slice(at, at + 40).map((e) => e.payload.kind === 'METRICS' && e.payload.points[0]?.step);
      expect(new Set(batches).size).toBe(1);
    }
  }
});

test('subscribers are woken after the commit, not once per batch', async () => {
  const token = await running();
  const listener = createListener(ctx.url);
  const heard: string[] = [];
  listener.listen(runEventChannel, (payload) => {
    // That it has begun is told, too.
    if (payload.includes(token.runId) && !payload.endsWith(':2')) heard.push(payload);
  });
  await listener.ready();
  // The first at once, the others together once some time has passed, or at the end.
  const waker = createRunWaker(ctx.db, 600_000);
  for (let i = 0; i < 40; i++) await recordEvents({ ...ctx, waker }, token, [points('train/loss', [i], i)]);
  await waker.close();
  const told = [3, 42].map((seq) => `${experimentId}:${token.runId}:${seq}`);
  await expect.poll(() => heard).toEqual(told);
  await listener.close();
});
