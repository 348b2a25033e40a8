import { createHash } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { holdBlobs } from '../../src/commands/blobs.ts';
import { cleanUp, gracePeriod } from '../../src/commands/housekeeping.ts';
import { deleteRun } from '../../src/commands/run.ts';
import { inTransaction } from '../../src/commands/transaction.ts';
import { createRandom } from '../../src/domain/random.ts';
import { insertArtifact } from '../../src/store/artifact.ts';
import { lockCollection } from '../../src/store/blobLock.ts';
import { blobColumns } from '../../src/store/blobReference.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { spawnTypeScript } from '../support/processes.ts';
import { usualRetention as policy } from '../support/retention.ts';

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await experimentOf(ctx.db.prisma, null);
});
afterAll(() => ctx.close());
beforeEach(async () => {
  await ctx.db.prisma.run.deleteMany();
  await clean(0);
});

/** A second more: the clock of a file system lags behind. */
const clean = (grace: number) => cleanUp(ctx, { policy, grace: grace - 1000 });

async function blobs(): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { hash } of ctx.blobs.list()) hashes.push(hash);
  return hashes.sort();
}

async function keep(runId: string, contentHash: string, createdAt = new Date()): Promise<void> {
  const artifact = { id: testId('artifact'), runId, name: contentHash, kind: 'FILE', size: 1, contentHash } as const;
  await insertArtifact(ctx.db.prisma, { ...artifact, createdAt });
}

test('every column that can name a blob is looked at', async () => {
  const rows = await ctx.db.prisma.$queryRaw<{ name: string }[]>`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and column_name like '%hash%' order by 1`;
  const others = [
    // Of an image, a manifest, a matrix, rows of it, an input, a secret.
    'api_key.hash',
    'dataset.content_hash',
    'dataset_image.content_hash',
    'idempotency_key.input_hash',
    'prediction_set.content_hash',
    'prediction_set.rows_hash',
    'ensemble_score.rows_hash',
    'session.hash',
  ];
  const known = [...others, ...blobColumns.map(({ table, column }) => `${table}.${column}`)];
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  expect(rows.map(({ name }) => name)).toEqual(
    expect.arrayContaining(blobColumns.map(({ table, column }) => `${table}.${column}`)),
  );
});

test('what nothing names goes once it is older than the grace period', async () => {
  const runId = await testRun(ctx.db.prisma, experimentId);
  const [named, fresh, old] = await Promise.all(
    ['named', 'fresh', 'old'].map((text) => ctx.blobs.put(Buffer.from(text))),
  );
  await keep(runId, named!.hash);
  const longAgo = new Date(Date.now() - gracePeriod - 60_000);
  for (const { hash } of [named!, old!]) await utimes(await ctx.blobs.local(hash), longAgo, longAgo);
  expect(await clean(gracePeriod)).toMatchObject({ blobs: 1, bytes: 3 });
  expect(await blobs()).toEqual([named!.hash, fresh!.hash].sort());
});

test('one process collects at a time, and none after it is gone is kept from it', async () => {
  const other = new pg.Client(ctx.url);
  await other.connect();
  expect(await lockCollection(other)).toBe(true);
  expect(await clean(0)).toBeNull();
  await other.end();
  await expect.poll(() => clean(0)).not.toBeNull();
});

test('bytes that somebody stored anew are not removed with the row that had named them', async () => {
  const runId = await testRun(ctx.db.prisma, experimentId);
  const { hash } = await ctx.blobs.put(Buffer.from('wanted again'));
  await keep(runId, hash, new Date(Date.now() - 60_000));
  await deleteRun(ctx, runId);
  expect(await ctx.blobs.has(hash)).toBe(true);
  await clean(0);
  expect(await ctx.blobs.has(hash)).toBe(false);
});

test('who names bytes that are being removed waits, and is refused', async () => {
  const { hash } = await ctx.blobs.put(Buffer.from('contested'));
  let proceed = () => {};
  const remove = ctx.blobs.delete.bind(ctx.blobs);
  const removing = new Promise<void>((resolve) => {
    ctx.blobs.delete = async (hash) => {
      resolve();
      await new Promise<void>((go) => {
        proceed = go;
      });
      await remove(hash);
    };
  });
  const cleaned = clean(0);
  await removing;
  let held = false;
  const holder = inTransaction(ctx, (tx) => holdBlobs(ctx, tx, [hash])).finally(() => {
    held = true;
  });
  await expect.poll(() => advisoryLocks({ granted: false })).toBe(1);
  expect(held).toBe(false);
  proceed();
  ctx.blobs.delete = remove;
  await expect(holder).rejects.toMatchObject({ problems: [{ code: 'UNAVAILABLE' }] });
  expect(await cleaned).toMatchObject({ blobs: 1 });
});

test('processes killed while they store, name, release and collect leave garbage at most', async () => {
  const folder = path.dirname(path.dirname(await ctx.blobs.local((await ctx.blobs.put(Buffer.from('here'))).hash)));
  const random = createRandom(11, 'kills');
  const start = (seed: number) => spawnTypeScript('test/support/bin/churnBlobs.ts', [ctx.url, folder, String(seed)]);
  const rounds = 4;
  let seen = 0;
  for (let round = 0; round < rounds; round++) {
    const processes = [0, 1, 2].map((i) => start(round * 10 + i));
    await Promise.all(processes.map((process) => process.until(/churning/)));
    const before = await ctx.db.prisma.artifact.count();
    await expect.poll(() => ctx.db.prisma.artifact.count(), { interval: 5 }).not.toBe(before);
    // Anywhere in the few milliseconds that each of their steps takes.
    const until = performance.now() + 500 + random.next() * 200;
    while (performance.now() < until) await ctx.db.prisma.$queryRaw`select 1`;
    for (const { child, output } of processes) {
      expect(child.exitCode, output()).toBeNull();
      child.kill('SIGKILL');
    }
    await Promise.all(processes.map(({ finished }) => finished));
    // What was sent before the kill may still be carried out.
    await expect
      .poll(async () => (await advisoryLocks({ granted: true })) + (await advisoryLocks({ granted: false })))
      .toBe(0);
    const named = await ctx.db.prisma.artifact.findMany({ distinct: ['contentHash'] });
    seen += named.length;
    for (const { contentHash } of named) {
      const bytes = await buffer(ctx.blobs.open(contentHash));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(contentHash);
    }
  }
  expect(seen).toBeGreaterThan(0);
  await clean(0);
  const named = await ctx.db.prisma.artifact.findMany({ distinct: ['contentHash'] });
  expect(await blobs()).toEqual(named.map(({ contentHash }) => contentHash).sort());
});

/** Of this test's database: others are on the server, too. */
async function advisoryLocks({ granted }: { readonly granted: boolean }): Promise<number> {
  const [row] = await ctx.db.prisma.$queryRaw<[{ n: number }]>`
    select count(*)::int as n from pg_locks where locktype = 'advisory' and granted = ${granted}
    and database = (select oid from pg_database where datname = current_database())`;
  return row.n;
}
