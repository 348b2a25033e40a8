/** Runs that take longer than the queue lets a job run: a day in life, six seconds here. */

import { expect, test } from 'vitest';
import { startRun } from '../../src/commands/run.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { readEvents } from '../../src/store/event.ts';
import { silent, testContext } from '../support/commandContext.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { testWorker } from '../support/worker.ts';

test('they go on in fresh jobs, which nobody notices', async () => {
  const base = await testContext();
  const queue = await openQueue(base.url, { consumes: true, log: silent, expireInSeconds: 6 });
  const ctx = { ...base, queue };
  const experimentId = await trainableExperiment(ctx);
  const worker = await testWorker(ctx);
  const id = await startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: 'slow 600' } });
  const jobs = new Set<string>();
  const collect = async () => {
    const { rows } = await ctx.db.pool.query<{ id: string }>(`select id from pgboss.job where data->>'runId' = $1`, [
      id,
    ]);
    for (const row of rows) jobs.add(row.id);
    return jobs.size;
  };
  await expect.poll(collect, { interval: 100 }).toBeGreaterThan(2);
  expect((await endedRun(ctx, id)).status).toBe('SUCCEEDED');
  expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([{ number: 1, status: 'SUCCEEDED' }]);
  const events = await readEvents(ctx.db.prisma, [{ runId: id, after: 0 }], 10_000);
  const statuses = events.flatMap(({ payload }) => (payload.kind === 'STATUS' ? [payload.status] : []));
  expect(statuses).toEqual(['QUEUED', 'RUNNING', 'SUCCEEDED']);
  const steps = events.flatMap(({ payload }) => (payload.kind === 'METRICS' ? payload.points.map((p) => p.step) : []));
  expect(steps).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  await worker.stop();
  const left = await ctx.db.pool.query(`select id from pgboss.job where data->>'runId' = $1 and completed_on is null`, [
    id,
  ]);
  expect(left.rows).toEqual([]);
  await queue.close();
  await base.close();
});
