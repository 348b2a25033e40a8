import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import type { RunEvent } from '../../src/domain/runEvent.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { readEvents } from '../../src/store/event.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { findRun } from '../../src/store/run.ts';
import { getWorkers } from '../../src/store/worker.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { smallConfig, trainableExperiment } from '../support/runs.ts';
import { scriptedTrainer, workerConfig } from '../support/worker.ts';

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
});
const processes: RunningProcess[] = [];
const homes: string[] = [];
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ finished }) => finished));
  for (const home of homes.splice(0)) await rm(home, { recursive: true });
});
afterAll(() => ctx.close());

const patience = { timeout: 60_000, interval: 50 };
const start = (part: string) => startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: part } });
const statusOf = async (id: string) => (await findRun(ctx.db.prisma, id))?.status;
const stepsOf = (events: readonly RunEvent[]) =>
  events.flatMap(({ payload }) => (payload.kind === 'METRICS' ? payload.points.map((p) => p.step) : []));
const eventsOf = (runId: string) => readEvents(ctx.db.prisma, [{ runId, after: 0 }], 10_000);

async function workerProcess(): Promise<RunningProcess & { id: string }> {
  const { home } = workerConfig();
  homes.push(home);
  const worker = spawnTypeScript(fileURLToPath(new URL('../support/workerProcess.ts', import.meta.url)), [], {
    ...{ DATABASE_URL: ctx.url, TRAINER_MODULE: scriptedTrainer, DEVICE: 'cpu', RUNGRAPH_LOG: 'warn' },
    RUNGRAPH_HOME: home,
  });
  processes.push(worker);
  const [, id] = await worker.until(/ready (\S+)/);
  return { ...worker, id: id! };
}

const isAlive = (pid: number) => {
  try {
    // A zombie has no command line.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
};

test('a killed worker takes its trainer with it, and the run finishes on another worker, every point once', async () => {
  const first = await workerProcess();
  const id = await start('slow 150');
  await expect.poll(async () => (await eventsOf(id)).length, patience).toBeGreaterThan(20);
  const pid = (await findAttempts(ctx.db.prisma, [id]))[0]!.pid!;
  expect(isAlive(pid)).toBe(true);
  first.child.kill('SIGKILL');
  await first.finished;
  await expect.poll(() => isAlive(pid), patience).toBe(false);

  const second = await workerProcess();
  await expect.poll(() => statusOf(id), patience).toBe('SUCCEEDED');
  expect(await findAttempts(ctx.db.prisma, [id])).toMatchObject([
    { number: 1, workerId: first.id, status: 'FAILED', failure: { code: 'LEASE_LOST' } },
    { number: 2, workerId: second.id, status: 'SUCCEEDED', failure: null },
  ]);
  const events = await eventsOf(id);
  expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1));
  expect(stepsOf(events)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
  const statuses = events.flatMap(({ payload }) => (payload.kind === 'STATUS' ? [payload] : []));
  expect(statuses.map(({ status, attempt, failure }) => [status, attempt, failure?.code])).toEqual([
    ['QUEUED', 0, undefined],
    ['RUNNING', 1, undefined],
    ['QUEUED', 1, 'LEASE_LOST'],
    ['RUNNING', 2, undefined],
    ['SUCCEEDED', 2, undefined],
  ]);
  expect(await findSummaries(ctx.db.prisma, [id])).toMatchObject([{ name: 'train/loss', count: 150, first: 1 }]);

  // Stopping in order gives a run back at once, without counting it as lost.
  const given = await start('slow 100000');
  await expect.poll(async () => (await eventsOf(given)).length, patience).toBeGreaterThan(5);
  second.child.kill('SIGTERM');
  expect((await second.finished).status).toBe(0);
  expect(await statusOf(given)).toBe('QUEUED');
  expect(await findAttempts(ctx.db.prisma, [given])).toMatchObject([{ status: 'QUEUED', failure: null }]);
  await cancelRun(ctx, given);
  expect((await getWorkers(ctx.db.prisma, [second.id])).get(second.id)?.stoppedAt).toEqual(expect.any(Date));
});
