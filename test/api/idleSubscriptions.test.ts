import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { importDataset } from '../../src/commands/dataset.ts';
import { importChannel } from '../../src/events/importFeed.ts';
import { experimentOf } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type EventServer, eventServer } from '../support/eventServer.ts';
import { eventually } from '../support/eventually.ts';
import { subscribeRaw } from '../support/rawSubscription.ts';
import { attemptAt, leaves, queuedRun } from './fixtures.ts';

let ctx: TestContext;
let server: EventServer;
let ids: { run: string; experiment: string; worker: string; dataset: string };
beforeAll(async () => {
  ctx = await testContext();
  const experiment = await experimentOf(ctx.db.prisma, await leaves(ctx, 'leaves'));
  const run = await queuedRun(ctx, experiment);
  const { workerId: worker } = await attemptAt(ctx, run);
  const dataset = await importDataset(ctx, { name: 'nobody imports it', path: import.meta.dirname });
  ids = { run, experiment, worker, dataset };
  server = await eventServer(ctx);
});
afterAll(async () => {
  await server.stop();
  await ctx.close();
});

/** Every subscription there is, each with nothing to tell after its first message. */
const subscriptions = () => ({
  runEvents: `subscription { runEvents(runId: "${ids.run}", kinds: [STATUS]) { cursor } }`,
  experimentEvents: `subscription { experimentEvents(experimentId: "${ids.experiment}") { cursor } }`,
  leaderboardUpdates: `subscription { leaderboardUpdates(experimentId: "${ids.experiment}") { edges { rank } } }`,
  deviceMemory: `subscription { deviceMemory(workerId: "${ids.worker}") { id } }`,
  datasetImport: `subscription { datasetImport(id: "${ids.dataset}") { id } }`,
});

const nothing = { topics: 0, subscribers: 0, waiting: 0, events: 0 };
const clients = 30;
/** Timers of this process that are running. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
/** Those that the pool of the server has at most, one per idle connection. */
const poolTimers = 10;

/** A socket with every subscription on it, all of them waiting for something to happen. */
async function subscribed(): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const answered = new Set<string>();
  socket.on('message', (data) => {
    const { id, type, payload } = JSON.parse(String(data));
    if (type === 'error') throw new Error(JSON.stringify(payload));
    if (type === 'next') answered.add(id);
  });
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await once(socket, 'message');
  for (const [id, query] of Object.entries(subscriptions())) {
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }));
  }
  await eventually(() => expect(answered.size).toBe(Object.keys(subscriptions()).length));
  return socket;
}

test.for([
  ['the client closes the socket', (socket: WebSocket) => socket.close()],
  ['the client’s connection breaks', (socket: WebSocket) => socket.terminate()],
  [
    'the client completes each operation',
    (socket: WebSocket) => {
      for (const id of Object.keys(subscriptions())) socket.send(JSON.stringify({ id, type: 'complete' }));
    },
  ],
] as const)('idle subscriptions free everything when %s', async ([, leave]) => {
  const before = { listeners: server.listeners(), timers: timers() };
  expect(server.usage()).toEqual({ sockets: 0, operations: 0 });
  expect(server.hub.usage()).toEqual(nothing);

  const sockets = await Promise.all(Array.from({ length: clients }, subscribed));
  // Everybody of the run has one topic, of the experiment (events and leaderboard) another.
  await eventually(() =>
    expect(server.hub.usage()).toMatchObject({ topics: 2, subscribers: 3 * clients, waiting: 3 * clients }),
  );
  expect(server.usage()).toEqual({ sockets: clients, operations: clients * Object.keys(subscriptions()).length });
  expect(server.listeners()).toBe(before.listeners + 2 * clients);
  expect(timers()).toBeGreaterThan(before.timers + 3 * clients);

  for (const socket of sockets) leave(socket);
  await eventually(() => {
    expect(server.usage().operations).toBe(0);
    expect(server.hub.usage()).toEqual(nothing);
    expect(server.listeners()).toBe(before.listeners);
  });
  for (const socket of sockets) socket.close();
  await eventually(() => {
    expect(server.usage().sockets).toBe(0);
    expect(timers()).toBeLessThanOrEqual(before.timers + poolTimers);
  });
});

test('a subscription that fails frees everything too', async () => {
  const before = server.listeners();
  const takeAway = async () => {
    await ctx.db.pool.query('alter table dataset rename to dataset_away');
    await ctx.db.pool.query('select pg_notify($1, $2)', [importChannel, ids.dataset]);
  };
  let error: unknown;
  const failing = subscribeRaw(
    server.url,
    subscriptions().datasetImport,
    {},
    {
      next: () => void takeAway(),
      error: (errors) => {
        error = errors[0]?.message;
      },
    },
  );
  await eventually(() => expect(error).toContain('Internal server error'));
  await ctx.db.pool.query('alter table dataset_away rename to dataset');
  await eventually(() => {
    expect(server.usage()).toEqual({ sockets: 1, operations: 0 });
    expect(server.listeners()).toBe(before);
  });
  failing.socket.close();
  await failing.closed;
});
