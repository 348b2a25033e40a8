/** A database that a newer version migrates while programs of this one are there. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRun } from '../../src/commands/run.ts';
import { findRun } from '../../src/store/run.ts';
import { version } from '../../src/version.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { spawnTypeScript } from '../support/processes.ts';
import { smallConfig, trainableExperiment } from '../support/runs.ts';
import { testWorker } from '../support/worker.ts';

const patience = { timeout: 60_000, interval: 50 };
const future = '99990101000000_future';
const sentence = `The database was migrated by a newer Rungraph (${future}), which this version (${version}) does not know: start that version or a later one, or restore a backup from before`;

let ctx: TestContext;
let home: string;
beforeEach(async () => {
  ctx = await testContext();
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-versions-'));
});
afterEach(async () => {
  await ctx.close();
  await rm(home, { recursive: true, force: true, maxRetries: 10 });
});

/** As a newer server does at its start. */
const becomeNewer = () =>
  ctx.db.pool.query(
    `insert into _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
     values ('future', '', now(), $1, now(), 1)`,
    [future],
  );

const program = (file: string, args: string[] = []) =>
  spawnTypeScript(file, args, {
    ...{ DATABASE_URL: ctx.url, RUNGRAPH_HOME: home, PORT: '0', DEVICE: 'cpu', RUNGRAPH_LOG: 'info' },
  });

test('a worker with a run in hand begins no other, gives it back when it stops, and says why', async () => {
  const experimentId = await trainableExperiment(ctx);
  const start = (part: string) => startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: part } });
  const statusOf = async (id: string) => (await findRun(ctx.db.prisma, id))?.status;
  const worker = await testWorker(ctx);
  const inHand = await start('slow 1000000');
  await expect.poll(() => statusOf(inHand), patience).toBe('RUNNING');
  await becomeNewer();
  expect(await worker.outdated).toBe(sentence);
  await worker.stop();
  expect(await statusOf(inHand)).toBe('QUEUED');

  // One that has not looked yet is stopped at the job.
  await ctx.db.pool.query(`delete from _prisma_migrations where id = 'future'`);
  await ctx.db.pool.query(`delete from pgboss.job`);
  const second = await testWorker(ctx);
  await becomeNewer();
  const waiting = await start('succeed');
  await second.outdated;
  await second.stop();
  expect(await statusOf(waiting)).toBe('QUEUED');
});

test('a running worker process ends with status 1 and the reason in its log', async () => {
  const worker = program('src/bin/worker.ts');
  await worker.until(/"msg":"ready"/);
  await becomeNewer();
  const { status, stderr } = await worker.finished;
  expect(status).toBe(1);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string });
  expect(lines.filter(({ level }) => level >= 50).map(({ msg }) => msg)).toEqual([sentence]);
});

test.each([
  ['src/bin/server.ts', []],
  ['src/bin/worker.ts', []],
  ['src/bin/cli.ts', ['migrate']],
])('%s does not start on a newer database, and leaves it alone', async (file, args) => {
  await becomeNewer();
  const before = await ctx.db.pool.query('select * from _prisma_migrations order by migration_name');
  const { status, stderr } = await program(file, args).finished;
  expect({ status, stderr }).toEqual({ status: 1, stderr: `${sentence}\n` });
  expect((await ctx.db.pool.query('select * from _prisma_migrations order by migration_name')).rows).toEqual(
    before.rows,
  );
});

test('a worker does not start before a server of its version has migrated', async () => {
  const { rows } = await ctx.db.pool.query<{ name: string }>(
    'select migration_name as name from _prisma_migrations order by 1 desc limit 1',
  );
  await ctx.db.pool.query('delete from _prisma_migrations where migration_name = $1', [rows[0]!.name]);
  expect(await program('src/bin/worker.ts').finished).toMatchObject({
    status: 1,
    stderr: `The database lacks ${rows[0]!.name}: start a Rungraph server of this worker's version (${version}) first, or run rungraph migrate\n`,
  });
});
