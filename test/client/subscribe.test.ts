/** The dashboard's own code against a real server, over a network that is taken away. */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { openFront } from '../../src/server/front.ts';
import { appendEvents } from '../../src/store/event.ts';
import { type Attempt, attemptAt, leaves, points, queuedRun } from '../api/fixtures.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf } from '../support/catalogue.ts';
import { type Relay, serverRelay } from '../support/relay.ts';

interface Events {
  readonly runEvents: {
    readonly cursor: string;
    readonly events: readonly {
      readonly series?: readonly { readonly points: readonly { readonly step: number }[] }[];
    }[];
  };
}

const document = `subscription ($id: ID!, $after: String, $rate: Float) {
  runEvents(runId: $id, after: $after, kinds: [METRICS, STATUS], maxStepRateHz: $rate) {
    cursor events { cursor ... on RunStatusChanged { status } ... on MetricsLogged { series { points { step } } } }
  }
}`;

const patience = { timeout: 60_000, interval: 20 };

let server: ApiServer;
let relay: Relay & { readonly url: string };
let experimentId: string;
// What the modules find in a browser is there before they are loaded.
let subscribe: typeof import('../../client/src/api/subscribe.ts').subscribe;
let connection: typeof import('../../client/src/api/connection.ts').connection;
let request: typeof import('../../client/src/api/request.ts').request;
beforeAll(async () => {
  server = await apiServer();
  relay = await serverRelay(server.url);
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
  vi.stubGlobal('location', new URL(relay.url));
  vi.stubGlobal('WebSocket', WebSocket);
  ({ subscribe } = await import('../../client/src/api/subscribe.ts'));
  ({ connection } = await import('../../client/src/api/connection.ts'));
  ({ request } = await import('../../client/src/api/request.ts'));
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await relay?.close();
  await server?.close();
});

let runId: string;
let attempt: Attempt;
beforeEach(async () => {
  runId = await queuedRun(server.context, experimentId);
  attempt = await attemptAt(server.context, runId);
});

/** Listens as pages do: each try begins behind the last batch that came. */
function follow(rate: number | null) {
  const seen = { steps: [] as number[], tries: 0, ended: false, refusal: undefined as string | undefined };
  let after: string | null = null;
  const stop = subscribe<Events, object>(
    document as never,
    () => {
      seen.tries++;
      return { id: runId, after, rate };
    },
    {
      onData: ({ runEvents: { cursor, events } }) => {
        after = cursor;
        seen.steps.push(...events.flatMap((e) => e.series?.[0]?.points.map(({ step }) => step) ?? []));
      },
      onEnd: () => {
        seen.ended = true;
      },
      onRefusal: (message) => {
        seen.refusal = message;
      },
    },
  );
  return { seen, stop };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const tell = async (from: number, to: number) => {
  for (let step = from; step <= to; step++) await attempt.tell([points(step, { 'train/loss': 1 / step })]);
};

test('over a network that breaks again and again nothing is missed, nothing comes twice, and the end is told once', async () => {
  const states: string[] = [];
  const forget = connection.listen(() => states.push(connection.get().kind));
  let returns = 0;
  const forgetReturn = connection.onReturn(() => returns++);
  const every = follow(null);
  const joined = follow(20);
  let last = 0;
  for (let round = 1; round <= 4; round++) {
    await tell(last + 1, last + 25);
    last += 25;
    // Some of them are on their way when the network breaks, and some happen while it is away.
    if (round % 2) relay.cut();
    else {
      const { refused } = relay;
      relay.block(true);
      await tell(last + 1, last + 25);
      last += 25;
      await expect.poll(() => relay.refused, patience).toBeGreaterThan(refused);
      expect(connection.get()).toMatchObject({ kind: 'stale', since: expect.any(Number) });
      relay.block(false);
    }
    await expect.poll(() => connection.get().kind, patience).toBe('live');
  }
  await attempt.succeed();
  for (const { seen } of [every, joined]) {
    await expect.poll(() => seen.ended, patience).toBe(true);
    expect(seen.steps).toEqual(upTo(last));
    expect(seen.tries).toBeGreaterThanOrEqual(4);
  }
  // Nobody subscribes any more: the socket is closed, and nothing is out of date.
  await expect.poll(() => connection.get().kind, patience).toBe('idle');
  expect(states[0]).toBe('live');
  expect(returns).toBe(states.filter((kind) => kind === 'stale').length);
  expect(returns).toBeGreaterThanOrEqual(2);
  forget();
  forgetReturn();
});

test('who has stopped listening hears nothing more, also after the network came back', async () => {
  const { seen, stop } = follow(null);
  await tell(1, 3);
  await expect.poll(() => seen.steps, patience).toEqual([1, 2, 3]);
  relay.block(true);
  await expect.poll(() => connection.get().kind, patience).toBe('stale');
  stop();
  relay.block(false);
  const { tries } = seen;
  // Another one, from the beginning, shows that the socket works again.
  const other = follow(null);
  await tell(4, 5);
  await expect.poll(() => other.seen.steps, patience).toEqual([1, 2, 3, 4, 5]);
  expect(seen).toMatchObject({ steps: [1, 2, 3], tries, ended: false });
  other.stop();
});

test('what the server refuses is told and not tried again', async () => {
  runId = 'run_none';
  const { seen } = follow(null);
  await expect.poll(() => seen.refusal, patience).toMatch(/run_none/);
  expect(seen).toMatchObject({ tries: 1, ended: false, steps: [] });
});

test('an event that the server cannot make out ends the subscription, and is told', async () => {
  const { seen } = follow(null);
  await tell(1, 1);
  await expect.poll(() => seen.steps, patience).toEqual([1]);
  const { prisma } = server.context.db;
  await appendEvents(prisma, runId, [{ kind: 'STATUS' } as never], new Date());
  await tell(2, 2);
  await expect.poll(() => seen.refusal, patience).toMatch(/Internal/);
  expect(seen).toMatchObject({ steps: [1], tries: 1, ended: false });
  // Nothing is subscribed to any more.
  await expect.poll(() => connection.get().kind, patience).toBe('idle');
});

test('a server that starts is waited for: what is asked again when it is there is asked once', async () => {
  const front = await openFront({ host: '127.0.0.1', port: 0 });
  let questions = 0;
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => {
    if (path === '/graphql') questions++;
    return fetch(new URL(path, front.url), init);
  });
  const ask = () => request('{ viewer { name } }' as never, {});
  const answers: unknown[] = [];
  const forget = connection.onReturn(() => void ask().then((answer) => answers.push(answer)));
  await expect(ask()).rejects.toThrow('The server does not answer');
  expect(connection.get().kind).toBe('stale');
  await expect(ask()).rejects.toThrow('The server does not answer');
  // It lives, and says so; that is not enough.
  expect((await fetch(new URL('/healthz', front.url))).status).toBe(200);
  front.serve((_, response) => response.end(JSON.stringify({ data: { viewer: { name: 'local' } } })));
  await expect.poll(() => answers, patience).toEqual([{ viewer: { name: 'local' } }]);
  expect(connection.get().kind).not.toBe('stale');
  expect(questions).toBe(3);
  forget();
  vi.stubGlobal('fetch', fetch);
  await front.close();
});
