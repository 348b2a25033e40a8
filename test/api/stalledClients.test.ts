import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { stalledCode } from '../../src/server/socket.ts';
import { experimentOf } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type EventServer, eventServer } from '../support/eventServer.ts';
import { eventually } from '../support/eventually.ts';
import { subscribeRaw } from '../support/rawSubscription.ts';
import { attemptAt, leaves, queuedRun } from './fixtures.ts';

const lines = 12_000;
const lineLength = 4_000;
/** Bytes that wait for a client at most: from where on nothing more is read from it, and the message after. */
const mostWaiting = 3 * 2 ** 20;

const runEvents = `subscription ($id: ID!, $after: String) {
  runEvents(runId: $id, after: $after, kinds: [LOG], maxStepRateHz: null) { cursor events { ... on LogLine { line } } }
}`;
interface Batch {
  readonly cursor: string;
  readonly events: readonly { readonly line: string }[];
}

let ctx: TestContext;
let runId: string;
let server: EventServer;
/** Numbers of the lines in the order they came. */
let got: number[];
const take = ({ events }: Batch) => got.push(...events.map(({ line }) => Number.parseInt(line, 10)));
const all = Array.from({ length: lines }, (_, i) => i);

beforeAll(async () => {
  ctx = await testContext();
  runId = await queuedRun(ctx, await experimentOf(ctx.db.prisma, await leaves(ctx, 'leaves')));
  const attempt = await attemptAt(ctx, runId);
  const line = 'x'.repeat(lineLength);
  for (let first = 0; first < lines; first += 1000) {
    const numbers = all.slice(first, first + 1000);
    await attempt.tell(numbers.map((n) => ({ kind: 'log', stream: 'stdout', line: `${n} ${line}` })));
  }
  await attempt.succeed();
  server = await eventServer(ctx, { limits: { stallMs: 1500 } });
});
afterAll(async () => {
  await server.stop();
  await ctx.close();
});
beforeEach(() => {
  got = [];
  server.logged.splice(0);
});

/** What waited for the client that the server gave up. */
async function backlogAtEnd(): Promise<number> {
  const find = () => server.logged.find(({ msg }) => String(msg).startsWith('a client does not read'));
  await eventually(() => expect(find()).toBeDefined());
  return Number(find()!.backlogBytes);
}

/** Nothing is left of anybody. */
const settled = () =>
  eventually(() => {
    expect(server.usage().operations).toBe(0);
    expect(server.hub.usage()).toEqual({ topics: 0, subscribers: 0, waiting: 0, events: 0 });
  });

describe('a client that does not read its socket', () => {
  test('costs bounded memory, loses its operations, and reads the code when it wakes; its cursor goes on without loss', async () => {
    let cursor: string | null = null;
    const stalled = subscribeRaw<Batch>(
      server.url,
      runEvents,
      { id: runId, after: null },
      {
        next: (batch) => {
          take(batch);
          cursor = batch.cursor;
          stalled.socket.pause();
        },
      },
    );
    expect(await backlogAtEnd()).toBeLessThan(mostWaiting);
    await settled(); // before the closing handshake, which cannot come about yet
    stalled.socket.removeAllListeners('message').resume();
    expect(await stalled.closed).toBe(stalledCode);

    const rest = subscribeRaw<Batch>(
      server.url,
      runEvents,
      { id: runId, after: cursor },
      {
        next: take,
        complete: () => rest.socket.close(),
      },
    );
    await rest.closed;
    expect(got).toEqual(all);
  });

  test('is connected again by graphql-ws, and goes on behind the cursor that its variables carry by then', async () => {
    let connections = 0;
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 1,
      retryWait: async () => {},
      on: {
        connected: (socket) => {
          if (++connections > 1) return;
          (socket as WebSocket).pause();
          void backlogAtEnd().then(() => (socket as WebSocket).resume());
        },
      },
    });
    const variables: { id: string; after: string | null } = { id: runId, after: null };
    await new Promise<void>((resolve, reject) =>
      client.subscribe<{ runEvents: Batch }>(
        { query: runEvents, variables },
        {
          next: ({ data }) => {
            take(data!.runEvents);
            variables.after = data!.runEvents.cursor;
          },
          error: reject,
          complete: resolve,
        },
      ),
    );
    await client.dispose();
    expect(connections).toBe(2);
    expect(got).toEqual(all);
  });

  test('is not read from either: what it goes on to send waits at its own end', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.on('error', () => {});
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    socket.pause();
    // Each has an answer as large as itself: some by ws, some by the protocol, some refused operations.
    const padding = 'x'.repeat(20_000);
    for (let i = 0; i < 2000; i++) {
      socket.ping('x'.repeat(100));
      socket.send(JSON.stringify({ type: 'ping', payload: { padding } }));
      socket.send(JSON.stringify({ id: String(i), type: 'subscribe', payload: { query: `{ ${padding} }` } }));
    }
    expect(await backlogAtEnd()).toBeLessThan(mostWaiting);
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    socket.terminate();
    await settled();
  });
});

test('one that reads slowly is served: it is not silent for as long as it takes a message now and then', async () => {
  const slow = subscribeRaw<Batch>(
    server.url,
    runEvents,
    { id: runId, after: null },
    {
      next: (batch) => {
        take(batch);
        slow.socket.pause();
        setImmediate(() => slow.socket.resume());
      },
      complete: () => slow.socket.close(),
    },
  );
  expect(await slow.closed).toBe(1005);
  expect(got).toEqual(all);
});
