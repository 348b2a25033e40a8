/** Subscriptions that are followed while the database breaks its connections, and while it is away. */

import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { beginImport, reportImport } from '../../src/commands/datasetImport.ts';
import { importChannel } from '../../src/events/importFeed.ts';
import { notify, workerChannel } from '../../src/events/waker.ts';
import { experimentOf } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type DatabaseProxy, databaseProxy } from '../support/databaseProxy.ts';
import { type EventServer, eventServer } from '../support/eventServer.ts';
import { subscribeRaw } from '../support/rawSubscription.ts';
import { attemptAt, epoch, leaves, points, queuedRun } from './fixtures.ts';

let ctx: TestContext;
let proxy: DatabaseProxy;
let server: EventServer;
beforeAll(async () => {
  ctx = await testContext();
  proxy = await databaseProxy(ctx.url);
  server = await eventServer({ ...ctx, url: proxy.url });
});
afterEach(() => proxy.block(false));
afterAll(async () => {
  await server.stop();
  await proxy.close();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 20 };
const kills = 21; // as many tries as nobody gets who only opens a stream, and one more

/** Keeps everybody from reading these tables, so that who wants to is caught at it. */
async function standstill(tables: string): Promise<{ readers(): Promise<number[]>; end(): Promise<void> }> {
  const client = new pg.Client(ctx.url);
  onTestFinished(() => client.end());
  await client.connect();
  await client.query(`begin; lock table ${tables} in access exclusive mode`);
  return {
    readers: async () => {
      const { rows } = await ctx.db.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.map(({ pid }) => pid);
    },
    end: async () => {
      await client.query('rollback');
    },
  };
}

test('subscriptions of imports, leaderboards and workers outlive every break while they read, and tell what came meanwhile', async () => {
  const { pool } = ctx.db;
  const experimentId = await experimentOf(ctx.db.prisma, await leaves(ctx, 'leaves'));
  const attempt = await attemptAt(ctx, await queuedRun(ctx, experimentId));
  const datasetId = await importDataset(ctx, { name: 'under way', path: import.meta.dirname });
  const told: Record<string, unknown[]> = {};
  const errors: unknown[] = [];
  const sockets = Object.entries({
    board: `subscription { leaderboardUpdates(experimentId: "${experimentId}") { edges { node { value { value } } } } }`,
    data: `subscription { datasetImport(id: "${datasetId}") { importProgress { done } } }`,
    memory: `subscription { deviceMemory(workerId: "${attempt.workerId}") { host } }`,
    events: `subscription { experimentEvents(experimentId: "${experimentId}", kinds: [EPOCH]) { events { __typename } } }`,
  }).map(([name, query]) => {
    told[name] = [];
    const next = (value: unknown) => void told[name]!.push(value);
    return subscribeRaw(
      server.url,
      query,
      {},
      { next, error: (all) => void errors.push(all), complete: () => void errors.push(name) },
    );
  });
  await expect.poll(() => Object.values(told).every((values) => values.length > 0), patience).toBe(true);
  told.memory = [];

  const held = await standstill('dataset, ensemble, device');
  await attempt.tell([points(1, { 'valid/error_rate': 0.5 }), epoch(0, 0.5)]);
  await notify(ctx.db, importChannel, [datasetId]);
  await notify(ctx.db, workerChannel, [attempt.workerId]);
  for (let i = 0; i < kills; i++) {
    await expect.poll(held.readers, patience).toHaveLength(3);
    await pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [await held.readers()]);
  }
  await expect.poll(held.readers, patience).toHaveLength(3);
  proxy.block(true);
  await expect.poll(() => proxy.refused, patience).toBeGreaterThan(kills);
  await held.end();
  const { importAttempt } = (await beginImport(ctx, datasetId))!;
  const progress = { phase: 'CHECKING', done: 7, total: 9, rejected: 0, bytes: 70, bytesTotal: null } as const;
  await reportImport(ctx, { datasetId, attempt: importAttempt }, progress);
  proxy.block(false);

  await expect.poll(() => told.board!.at(-1), patience).toEqual({ edges: [{ node: { value: { value: 0.5 } } }] });
  await expect.poll(() => told.data!.at(-1), patience).toEqual({ importProgress: { done: 7 } });
  await expect.poll(() => told.memory, patience).toEqual([{ host: expect.any(String) }]);
  await expect
    .poll(() => told.events!.flatMap((batch) => (batch as { events: unknown[] }).events), patience)
    .toEqual([{ __typename: 'EpochCompleted' }]);
  expect(errors).toEqual([]);
  for (const { socket, closed } of sockets) {
    socket.close();
    await closed;
  }
});

test('who leaves while the database is away leaves nothing behind', async () => {
  const datasetId = await importDataset(ctx, { name: 'left', path: import.meta.dirname });
  const listeners = server.listeners();
  let came = 0;
  const query = `subscription { datasetImport(id: "${datasetId}") { id } }`;
  const { socket, closed } = subscribeRaw(server.url, query, {}, { next: () => came++ });
  await expect.poll(() => came, patience).toBe(1);
  const held = await standstill('dataset');
  await notify(ctx.db, importChannel, [datasetId]);
  await expect.poll(held.readers, patience).toHaveLength(1);
  proxy.block(true);
  const before = proxy.refused;
  await expect.poll(() => proxy.refused, patience).toBeGreaterThan(before);
  socket.close();
  await closed;
  await expect.poll(() => server.usage(), patience).toEqual({ sockets: 0, operations: 0 });
  expect(server.listeners()).toBe(listeners);
});
