/** Memory of trainers: real processes that really take it, limits that end them, accumulation that is raised for it. */

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startRun } from '../../src/commands/run.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { readEvents } from '../../src/store/event.ts';
import { findLogLines } from '../../src/store/log.ts';
import { memorySeries } from '../../src/store/memory.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { childrenRunning } from '../support/processes.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { scriptedTrainer, type TestWorker, testWorker } from '../support/worker.ts';

const mebibyte = 2 ** 20;
const workerLimit = 700 * mebibyte;

let ctx: TestContext;
let worker: TestWorker;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
  worker = await testWorker(ctx, undefined, { RUNGRAPH_MEMORY_BYTES: String(workerLimit) });
});
afterAll(async () => {
  await worker.stop();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 25 };
const start = (weightsUri: string, more: object = {}) =>
  startRun(ctx, { experimentId, config: { ...smallConfig, effectiveBatchSize: 8, weightsUri, ...more } });

const ended = (id: string) => endedRun(ctx, id);

/** Bytes that a message says a trainer had and might have had. */
function bytesOf(message: string | undefined): number[] {
  return [...(message ?? '').matchAll(/(\d+) bytes/g)].map(([, bytes]) => Number(bytes));
}

describe('a trainer that takes more memory than it may', () => {
  test('is ended, and the run told what it took and what it may', async () => {
    const id = await start('allocate 4000', { memoryBudget: 300 * mebibyte });
    const { status, failure, peakMemory } = await ended(id);
    expect({ status, code: failure?.code }).toEqual({ status: 'FAILED', code: 'OUT_OF_MEMORY' });
    const [taken, allowed] = bytesOf(failure?.message);
    expect(peakMemory).toBe(taken);
    expect(allowed).toBe(300 * mebibyte);
    expect(taken).toBeGreaterThan(allowed!);
    expect(taken).toBeLessThan(4000 * mebibyte);
    expect(failure?.message).toContain("passed the run's memoryBudget of");
    expect((await memorySeries(ctx.db.prisma, id, 10)).budget).toBe(300 * mebibyte);
    expect(failure?.message).toContain('use accumulation 2 or autoAccumulation');
    expect(childrenRunning(scriptedTrainer)).toEqual([]);
  });

  test("is held to the worker's limit, whatever its config allows", async () => {
    const { failure } = await ended(await start('allocate 4000', { memoryBudget: 3000 * mebibyte }));
    expect(failure?.code).toBe('OUT_OF_MEMORY');
    expect(bytesOf(failure?.message)[1]).toBe(workerLimit);
    expect(failure?.message).toContain("passed the worker's limit (RUNGRAPH_MEMORY_BYTES) of");
  });

  test('leaves its worker unharmed', async () => {
    const id = await start('allocate 100');
    expect((await ended(id)).status).toBe('SUCCEEDED');
    expect((await memorySeries(ctx.db.prisma, id, 10)).budget).toBeNull();
  });
});

describe('autoAccumulation', () => {
  const auto = { autoAccumulation: true, memoryBudget: 500 * mebibyte };

  test('starts a new attempt with twice the accumulation, until it fits', async () => {
    const id = await start('allocate 1200', auto);
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', config: { accumulation: 4 }, currentAttempt: 3 });
    const attempts = await findAttempts(ctx.db.prisma, [id]);
    expect(attempts.map((a) => [a.number, a.accumulation, a.status, a.failure?.code])).toEqual([
      [1, 1, 'FAILED', 'OUT_OF_MEMORY'],
      [2, 2, 'FAILED', 'OUT_OF_MEMORY'],
      [3, 4, 'SUCCEEDED', undefined],
    ]);
    expect(attempts[0]?.failure?.message).toMatch(
      /^memory ran out with accumulation 1, micro-batches of 8, tried again with 2: the trainer was ended because its/,
    );
    expect(attempts.every((attempt) => attempt.workerId === worker.id && attempt.finishedAt !== null)).toBe(true);
    const events = await readEvents(ctx.db.prisma, [{ runId: id, after: 0 }], 100);
    const statuses = events.flatMap(({ payload }) =>
      payload.kind === 'STATUS' ? [`${payload.status} ${payload.attempt}`] : [],
    );
    expect(statuses).toEqual([
      ...['QUEUED 0', 'RUNNING 1', 'QUEUED 1', 'RUNNING 2', 'QUEUED 2', 'RUNNING 3', 'SUCCEEDED 3'],
    ]);
  });

  test('forgets what the attempts measured that were given up, and keeps their log', async () => {
    const id = await start('hungry 4', { autoAccumulation: true });
    expect((await ended(id)).status).toBe('SUCCEEDED');
    expect(await findSummaries(ctx.db.prisma, [id])).toMatchObject([{ name: 'train/loss', count: 1, last: 4 }]);
    const lines = await findLogLines(ctx.db.prisma, id, { afterSeq: 0, limit: 10 });
    expect(lines.map((l) => l.line)).toEqual([
      'memory ran out with accumulation 1, micro-batches of 8: tried again with 2',
      'memory ran out with accumulation 2, micro-batches of 4: tried again with 4',
    ]);
  });

  test('gives up when micro-batches cannot be halved, and says what else to do', async () => {
    const id = await start('allocate 4000', { ...auto, effectiveBatchSize: 4 });
    const { status, failure, config } = await ended(id);
    expect({ status, code: failure?.code }).toEqual({ status: 'FAILED', code: 'OUT_OF_MEMORY' });
    expect(config.accumulation).toBe(2);
    expect(failure?.message).toMatch(
      /^memory ran out with accumulation 2, micro-batches of 2, which cannot be halved; use a smaller size or architecture, or allow more memory \(.*RUNGRAPH_MEMORY_BYTES.*\): the trainer was ended/,
    );
    expect((await findAttempts(ctx.db.prisma, [id])).map((attempt) => attempt.status)).toEqual(['FAILED', 'FAILED']);
  });

  test('goes on after the database has failed to begin the next attempt', async () => {
    await ctx.db.pool.query(`
      create function refuse_attempt() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
      create trigger refuse_attempt before insert on attempt for each row when (new.number > 1) execute function refuse_attempt();`);
    const allow = () => ctx.db.pool.query('drop function if exists refuse_attempt() cascade');
    onTestFinished(async () => void (await allow()));
    const id = await start('hungry 2', { autoAccumulation: true });
    const retries = async () =>
      (await ctx.db.pool.query(`select 1 from pgboss.job where data->>'runId' = $1 and retry_count > 0`, [id]))
        .rowCount;
    await expect.poll(retries, patience).toBe(1);
    await allow();
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', config: { accumulation: 2 } });
  });

  test('unless asked for, memory that runs out ends the run', async () => {
    const id = await start('hungry 4');
    expect(await ended(id)).toMatchObject({ status: 'FAILED', config: { accumulation: 1 }, currentAttempt: 1 });
  });
});
