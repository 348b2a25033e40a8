import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { cancelSweep, startSweep } from '../../src/commands/sweep.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { combinedStatus } from '../../src/domain/sweep.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { readEvents } from '../../src/store/event.ts';
import { countSweepRuns, listSweepRuns } from '../../src/store/sweep.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { smallConfig, trainableExperiment } from '../support/runs.ts';
import { testWorker } from '../support/worker.ts';

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
});
afterAll(() => ctx.close());

const patience = { timeout: 60_000, interval: 25 };
const { itemTransform, size, effectiveBatchSize } = smallConfig;
const start = (part: string, seed = Array.from({ length: 12 }, (_, i) => i)) =>
  startSweep(ctx, {
    experimentId,
    architectures: ['convnext_atto'],
    preprocessings: [{ name: 'small', itemTransform, size }],
    config: { pretrained: false, weightsUri: part, effectiveBatchSize, seed },
  });
const members = async (id: string) => (await listSweepRuns(ctx.db.prisma, id, { first: 100 })).items;
const statusOf = async (id: string) => combinedStatus(await countSweepRuns(ctx.db.prisma, [id]));

/** Every status of a run, in the order subscribers are told. */
async function told(runId: string): Promise<string[]> {
  const events = await readEvents(ctx.db.prisma, [{ runId, after: 0 }], 1000);
  return events.flatMap(({ payload }) => (payload.kind === 'STATUS' ? [payload.status] : []));
}

test('a sweep canceled twice at once while workers claim its runs: none is left running or waiting', async () => {
  const workerId = await registerWorker(ctx, { host: 'here', pid: 1, version: '0', engine: 'script', devices: [] });
  for (let round = 0; round < 4; round++) {
    const id = await start('patient FROZEN');
    const runs = await members(id);
    const claim = (run: { id: string }) => beginAttempt(ctx, { runId: run.id, workerId, redelivered: false });
    // One is claimed before the race, half of them in it, the others are never.
    const first = await claim(runs[0]!);
    const [raced] = await Promise.all([
      Promise.all(runs.slice(1, 6).map(claim)),
      cancelSweep(ctx, id),
      cancelSweep(ctx, id),
    ]);
    const begun = [first, ...raced, ...runs.slice(6).map(() => null)];
    expect(first).not.toBeNull();
    for (const [i, attempt] of begun.entries()) {
      const { id: runId } = runs[i]!;
      if (!attempt) {
        expect(await told(runId)).toEqual(['QUEUED', 'CANCELED']);
        continue;
      }
      expect(await told(runId)).toEqual(['QUEUED', 'RUNNING', 'CANCELING']);
      await settleAttempt(ctx, { runId, attempt: attempt.attempt }, { status: 'CANCELED' });
    }
    expect(await countSweepRuns(ctx.db.prisma, [id])).toEqual([{ sweepId: id, status: 'CANCELED', count: 12 }]);
    // Only the jobs of claimed runs are left, which their worker has in hand.
    const { rows } = await ctx.db.pool.query<{ id: string }>(`select data->>'runId' as id from pgboss.job`);
    const held = runs.flatMap((run, i) => (begun[i] ? [run.id] : []));
    expect(rows.map((row) => row.id).sort()).toEqual(held.sort());
    await ctx.db.pool.query('delete from pgboss.job');
  }
});

test('canceling ends the run in training, starts none of the others, and repeating it says nothing more', async () => {
  const worker = await testWorker(ctx);
  try {
    const id = await start('patient FROZEN');
    await expect
      .poll(async () => (await members(id)).some((run) => run.progress?.phase === 'FROZEN'), patience)
      .toBe(true);
    await cancelSweep(ctx, id);
    expect(['CANCELING', 'CANCELED']).toContain(await statusOf(id));
    await expect.poll(() => statusOf(id), patience).toBe('CANCELED');
    const runs = await members(id);
    expect(await told(runs[0]!.id)).toEqual(['QUEUED', 'RUNNING', 'CANCELING', 'CANCELED']);
    for (const run of runs.slice(1)) expect(await told(run.id)).toEqual(['QUEUED', 'CANCELED']);
    await cancelSweep(ctx, id);
    expect(await told(runs[0]!.id)).toHaveLength(4);
    expect(await told(runs[1]!.id)).toHaveLength(2);

    // The worker goes on with what comes next; of the canceled runs it has begun one.
    const next = await start('succeed', [1]);
    await expect.poll(() => statusOf(next), patience).toBe('SUCCEEDED');
    const attempts = await findAttempts(
      ctx.db.prisma,
      runs.map((run) => run.id),
    );
    expect(attempts).toMatchObject([{ runId: runs[0]!.id, number: 1, status: 'CANCELED' }]);
  } finally {
    await worker.stop();
  }
});
