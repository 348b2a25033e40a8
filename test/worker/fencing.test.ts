/** Workers that are killed, stopped, robbed of their job or of their database: no two trainers ever compute one run at once. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startRun } from '../../src/commands/run.ts';
import { findAttempts } from '../../src/store/attempt.ts';
import { findLogLines } from '../../src/store/log.ts';
import { findRun } from '../../src/store/run.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { databaseProxy } from '../support/databaseProxy.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { workerConfig } from '../support/worker.ts';

let ctx: TestContext;
let experimentId: string;
let folder: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-fencing-'));
});
const processes: RunningProcess[] = [];
const homes: string[] = [];
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ finished }) => finished));
  for (const home of homes.splice(0)) await rm(home, { recursive: true });
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true });
});

const patience = { timeout: 100_000, interval: 50 };
const local = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const attemptsOf = (runId: string) => findAttempts(ctx.db.prisma, [runId]);
const rows = async (sql: string, ...values: unknown[]) => (await ctx.db.pool.query(sql, values)).rows;

async function workerProcess(url = ctx.url): Promise<RunningProcess & { id: string }> {
  const { home } = workerConfig();
  homes.push(home);
  const worker = spawnTypeScript(local('../support/workerProcess.ts'), [], {
    ...{ DATABASE_URL: url, TRAINER_MODULE: local('../support/busyTrainer.ts'), DEVICE: 'cpu', RUNGRAPH_LOG: 'warn' },
    RUNGRAPH_HOME: home,
  });
  processes.push(worker);
  const [, id] = await worker.until(/ready (\S+)/);
  return { ...worker, id: id! };
}

let ledgers = 0;

/** A run whose trainers note in a file when they compute. */
async function busyRun() {
  const file = path.join(folder, `ledger ${++ledgers}`);
  const id = await startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: file } });
  const pids = () => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    const all = lines.map((line) => Number(line.split(' ')[2]));
    // One entry for each stretch of lines of one process.
    return all.filter((pid, i) => pid !== all[i - 1]);
  };
  return {
    id,
    /** Processes that have computed it, in turns: one that computes beside another is there more than once. */
    pids,
    /** Waits until this many have. */
    computedBy: (count: number) => expect.poll(() => pids().length, patience).toBe(count),
    finish: () => writeFileSync(`${file}.done`, ''),
  };
}

const isAlive = (pid: number) => {
  try {
    // A zombie has no command line.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
};

/** As the queue does with a job whose worker it has not heard of for too long. */
const takeAway = (runId: string) =>
  rows(
    `update pgboss.job set state = 'retry', start_after = now()
     where data->>'runId' = $1 and state = 'active'`,
    runId,
  );

/** As if the worker were on another machine. */
const moveElsewhere = (workerId: string) => rows(`update worker set machine = 'elsewhere' where id = $1`, workerId);

test('a trainer that hears nothing dies with its worker, and the next worker takes over', async () => {
  const first = await workerProcess();
  const run = await busyRun();
  await run.computedBy(1);
  first.child.kill('SIGKILL');
  await expect.poll(() => isAlive(run.pids()[0]!), patience).toBe(false);
  const second = await workerProcess();
  await run.computedBy(2);
  run.finish();
  expect((await endedRun(ctx, run.id)).status).toBe('SUCCEEDED');
  expect(await attemptsOf(run.id)).toMatchObject([
    { workerId: first.id, status: 'FAILED', failure: { code: 'LEASE_LOST' } },
    { workerId: second.id, status: 'SUCCEEDED' },
  ]);
  // Once: the dead worker's claim was ended by its successor, or by the queue where that took longer to start.
  const jobs = await rows(`select retry_count from pgboss.job where data->>'runId' = $1`, run.id);
  expect(jobs).toEqual([{ retry_count: 1 }]);
});

test('a stopped worker loses its trainer and its run; woken up it writes nothing and goes on taking jobs', async () => {
  const stopped = await workerProcess();
  const run = await busyRun();
  await run.computedBy(1);
  await moveElsewhere(stopped.id);
  stopped.child.kill('SIGSTOP');
  await expect.poll(() => isAlive(run.pids()[0]!), patience).toBe(false);

  await workerProcess();
  await run.computedBy(2);
  // Nobody could know that it was dead before the lease was over.
  const [lease] = await rows(
    `select confirmed_at < clock_timestamp() - interval '18 s' as over from attempt where run_id = $1 and number = 1`,
    run.id,
  );
  expect(lease).toEqual({ over: true });
  const lines = await findLogLines(ctx.db.prisma, run.id, { afterSeq: 0, limit: 10 });
  expect(lines.map(({ line }) => line)).toEqual([
    'attempt 1 may still be computed elsewhere: waiting until that is over',
  ]);

  const everything = async () => ({
    run: await rows(`select * from run where id = $1`, run.id),
    attempts: await rows(`select *, null as confirmed_at from attempt where run_id = $1 order by number`, run.id),
    events: await rows(`select * from run_event where run_id = $1 order by seq`, run.id),
    lines: await rows(`select * from run_log where run_id = $1 order by seq`, run.id),
    jobs: await rows(`select id, state, retry_count from pgboss.job where data->>'runId' = $1`, run.id),
  });
  await expect.poll(async () => (await attemptsOf(run.id))[1]?.device, patience).toBe('script');
  const before = await everything();
  stopped.child.kill('SIGCONT');
  // The other one is at work: this one is the woken worker's.
  const next = await busyRun();
  await next.computedBy(1);
  expect(await attemptsOf(next.id)).toMatchObject([{ workerId: stopped.id }]);
  expect(await everything()).toEqual(before);
  expect(run.pids()).toHaveLength(2);
  run.finish();
  next.finish();
  expect((await endedRun(ctx, run.id)).status).toBe('SUCCEEDED');
  expect((await endedRun(ctx, next.id)).status).toBe('SUCCEEDED');
});

test.each(['on this machine', 'elsewhere'])(
  'a job that is taken away from a living worker %s is computed by nobody until its trainer is dead',
  async (place) => {
    const robbed = await workerProcess();
    const run = await busyRun();
    await run.computedBy(1);
    if (place === 'elsewhere') await moveElsewhere(robbed.id);
    await workerProcess();
    await takeAway(run.id);
    await run.computedBy(2);
    expect(isAlive(run.pids()[0]!)).toBe(false);
    run.finish();
    expect((await endedRun(ctx, run.id)).status).toBe('SUCCEEDED');
    // Two stretches: neither has computed beside the other, or after it.
    expect(run.pids()).toHaveLength(2);
    expect(await attemptsOf(run.id)).toMatchObject([{ failure: { code: 'LEASE_LOST' } }, { status: 'SUCCEEDED' }]);
  },
);

test('a worker without its database ends its trainer before another one could begin, and goes on when it is back', async () => {
  const proxy = await databaseProxy(ctx.url);
  onTestFinished(() => proxy.close());
  const cut = await workerProcess(proxy.url);
  const run = await busyRun();
  await run.computedBy(1);
  proxy.block(true);
  await expect.poll(() => isAlive(run.pids()[0]!), patience).toBe(false);
  proxy.block(false);
  await run.computedBy(2);
  run.finish();
  expect((await endedRun(ctx, run.id)).status).toBe('SUCCEEDED');
  expect(await attemptsOf(run.id)).toMatchObject([
    { workerId: cut.id, failure: { code: 'LEASE_LOST' } },
    { workerId: cut.id, status: 'SUCCEEDED' },
  ]);
  expect((await findRun(ctx.db.prisma, run.id))?.failure).toBeNull();
});
