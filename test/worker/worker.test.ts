import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { readEvents } from '../../src/store/event.ts';
import { findLogLines } from '../../src/store/log.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import { findRun } from '../../src/store/run.ts';
import { getWorkers, isOnline } from '../../src/store/worker.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { childrenRunning } from '../support/processes.ts';
import { quickRetries } from '../support/retries.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { scriptedTrainer, type TestWorker, testWorker } from '../support/worker.ts';

let ctx: TestContext;
let worker: TestWorker;
let experimentId: string;
beforeAll(async () => {
  ctx = { ...(await testContext()), retries: quickRetries };
  experimentId = await trainableExperiment(ctx);
  worker = await testWorker(ctx);
});
afterAll(async () => {
  await worker.stop();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 25 };
const start = (part: string) => startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: part } });
const find = async (id: string) => (await findRun(ctx.db.prisma, id))!;

const ended = (id: string) => endedRun(ctx, id);

async function reached(id: string, phase: string): Promise<void> {
  await expect.poll(async () => (await find(id)).progress?.phase, patience).toBe(phase);
}

const trainers = () => childrenRunning(scriptedTrainer);

test('a run is trained in a process of its own and everything it tells is stored in order', async () => {
  const id = await start('succeed');
  const run = await ended(id);
  expect(run).toMatchObject({
    ...{ status: 'SUCCEEDED', imagesPerSecond: 100, peakMemory: 1e9, trainSeconds: 2, failure: null },
    ...{ objectiveValue: 0.25, objectiveStep: 2 },
  });
  const events = await readEvents(ctx.db.prisma, [{ runId: id, after: 0 }], 100);
  expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.map((e) => (e.payload.kind === 'STATUS' ? e.payload.status : e.payload.kind))).toEqual([
    ...['QUEUED', 'RUNNING', 'PROGRESS'],
    ...['PROGRESS', 'METRICS', 'MEMORY', 'EPOCH', 'PROGRESS', 'METRICS', 'MEMORY', 'EPOCH'],
    ...['PREDICTIONS', 'SUCCEEDED'],
  ]);
  expect((await findEpochs(ctx.db.prisma, [id])).map((e) => e.index)).toEqual([0, 1]);
  const [attempt] = await findAttempts(ctx.db.prisma, [id]);
  expect(attempt).toMatchObject({ number: 1, workerId: worker.id, device: 'script', status: 'SUCCEEDED' });
  expect(attempt?.pid).not.toBe(process.pid);
  const [set] = (await predictionSetsOfRuns(ctx.db.prisma, [id])).get(id)!;
  expect(set).toMatchObject({ split: 'TEST', rowCount: 2, vocab: ['blast', 'normal', 'tungro'] });
  expect(trainers()).toEqual([]);
});

describe('a trainer that ends badly', () => {
  test('killed by a signal: TRAINER_CRASHED with the signal and its last output', async () => {
    const { status, failure } = await ended(await start('signal SIGSEGV'));
    expect(status).toBe('FAILED');
    expect(failure).toMatchObject({ code: 'TRAINER_CRASHED', retryable: true });
    expect(failure?.message).toMatch(
      /^2 attempts in a row came no further; the last one: the trainer was killed by SIGSEGV; its last output:\nabout to die$/,
    );
  });

  test('exiting early: TRAINER_CRASHED with the status, its output in the log', async () => {
    const id = await start('exit 3');
    const { failure } = await ended(id);
    expect(failure?.code).toBe('TRAINER_CRASHED');
    expect(failure?.message).toMatch(
      /the trainer ended with status 3 before it was done; its last output:\ngiving up$/,
    );
    const lines = await findLogLines(ctx.db.prisma, id, { afterSeq: 0, limit: 10 });
    expect(lines.map(({ stream, line }) => [stream, line])).toEqual([
      ['stdout', 'giving up'],
      ['stdout', 'giving up'],
    ]);
  });

  test('out of heap: OUT_OF_MEMORY with what to do', async () => {
    const { failure } = await ended(await start('heap'));
    expect(failure?.code).toBe('OUT_OF_MEMORY');
    expect(failure?.message).toMatch(
      /use accumulation 2 or autoAccumulation.*killed by SIGABRT because memory ran out/,
    );
  });

  test('reporting a failure: that failure', async () => {
    const { failure } = await ended(await start('fail'));
    expect(failure).toEqual({ code: 'DIVERGED', message: 'the loss is NaN', retryable: false });
  });
});

describe('cancel', () => {
  test.each(['PREPARING', 'FROZEN', 'VALIDATING', 'PREDICTING'])('reaches a polite trainer while %s', async (phase) => {
    const id = await start(`patient ${phase}`);
    await reached(id, phase);
    await cancelRun(ctx, id);
    expect(await ended(id)).toMatchObject({ status: 'CANCELED', failure: null });
    expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([{ status: 'CANCELED' }]);
    expect(trainers()).toEqual([]);
  });

  test('ends a trainer that listens to nothing', async () => {
    const id = await start('stubborn');
    await reached(id, 'FROZEN');
    await cancelRun(ctx, id);
    expect((await ended(id)).status).toBe('CANCELED');
    expect(trainers()).toEqual([]);
  });

  test('comes too late for a run that has finished', async () => {
    const id = await start('late');
    await reached(id, 'PREDICTING');
    await cancelRun(ctx, id);
    expect((await ended(id)).status).toBe('SUCCEEDED');
  });

  test('is noticed by the heartbeat when the NOTIFY was lost', async () => {
    const id = await start('patient FROZEN');
    await reached(id, 'FROZEN');
    // As a cancel whose message never came.
    await ctx.db.prisma.run.update({ where: { id }, data: { status: 'CANCELING' } });
    expect((await ended(id)).status).toBe('CANCELED');
  });
});

test('a flood of output waits for the database and is stored to the last line', async () => {
  const id = await start('flood 10000');
  await ended(id);
  const lines = await findLogLines(ctx.db.prisma, id, { afterSeq: 9998, limit: 10 });
  expect(lines.map((l) => [l.seq, l.line])).toEqual([
    [9999, 'line 9998'],
    [10000, 'line 9999'],
  ]);
});

test('the worker shows its device, the memory of its trainer and the run in hand', async () => {
  const id = await start('patient FROZEN');
  await reached(id, 'FROZEN');
  const own = async () => (await getWorkers(ctx.db.prisma, [worker.id])).get(worker.id)!;
  const inHand = async () => (await own()).devices.flatMap((device) => device.processes);
  await expect.poll(inHand, patience).toEqual([{ pid: expect.any(Number), memory: expect.any(Number), runId: id }]);
  expect((await inHand())[0]?.memory).toBeGreaterThan(10 * 2 ** 20);
  const { devices, currentRunIds, ...facts } = await own();
  expect(devices).toMatchObject([{ index: 0, kind: 'CPU', memoryTotal: expect.any(Number) }]);
  expect(currentRunIds).toEqual([id]);
  expect(isOnline(facts, new Date())).toBe(true);
  await cancelRun(ctx, id);
  await ended(id);
});

test('the database connections may break while a run is under way: nothing is lost and nothing twice', async () => {
  const id = await start('slow 60');
  await expect
    .poll(async () => (await readEvents(ctx.db.prisma, [{ runId: id, after: 0 }], 9)).length, patience)
    .toBe(9);
  const kill = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  await ctx.db.pool.query(kill);
  expect((await ended(id)).status).toBe('SUCCEEDED');
  const events = await readEvents(ctx.db.prisma, [{ runId: id, after: 0 }], 1000);
  const steps = events.flatMap(({ payload }) => (payload.kind === 'METRICS' ? payload.points.map((p) => p.step) : []));
  expect(steps).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
});

describe('a database that takes no more metrics', () => {
  /** Until it is called, PostgreSQL refuses every point of a metric with this code. */
  async function refuseMetrics(code: string): Promise<() => Promise<unknown>> {
    await ctx.db.pool.query(`
      create function refuse_metrics() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file "base/5/16688"' using errcode = '${code}'; end $$;
      create trigger refuse_metrics before insert on metric_point execute function refuse_metrics();`);
    const allow = () => ctx.db.pool.query('drop function if exists refuse_metrics() cascade');
    onTestFinished(async () => void (await allow()));
    return allow;
  }

  test('because its disk is full is waited for, and nothing is lost', async () => {
    const allow = await refuseMetrics('53100');
    const id = await start('slow 20');
    await expect.poll(trainers, patience).toHaveLength(1);
    await expect.poll(trainers, patience).toEqual([]); // it has told everything by now
    expect((await find(id)).status).toBe('RUNNING');
    await allow();
    expect((await ended(id)).status).toBe('SUCCEEDED');
    expect(await findSummaries(ctx.db.prisma, [id])).toMatchObject([{ name: 'train/loss', count: 20 }]);
  });

  test('for good makes the run FAILED, also when its trainer succeeds', async () => {
    await refuseMetrics('XX000');
    for (const part of ['slow 1', 'slow 100000']) {
      const run = await ended(await start(part));
      expect(run, part).toMatchObject({
        status: 'FAILED',
        failure: { code: 'INTERNAL', retryable: true, message: expect.stringContaining('could not be stored') },
      });
    }
    expect(trainers()).toEqual([]);
  });
});
