import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import type { Limits } from '../../src/domain/limits.ts';
import type { SocketLimits } from '../../src/server/socket.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { keyWith, logIn, openSocket as openSocketWith } from './authFixtures.ts';
import { follow } from './follow.ts';

let server: ApiServer;
beforeEach(() => {
  // Nothing comes back to a client while a test goes on, however slow the machine is.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
});

async function withLimits(limits: Partial<Limits>, socketLimits: Partial<SocketLimits> = {}): Promise<void> {
  server = await apiServer({ limits, socketLimits });
}

const version = '{ server { version } }';
const write = 'mutation { cancelRun(id: "run_none") { userErrors { code } } }';

/** An error of a rate, and how many seconds it says to wait. */
const limited = { code: 'RATE_LIMITED', retryAfter: expect.any(Number) };

function overSocket(query: string): Promise<unknown> {
  return new Promise((resolve) => {
    server.connect().subscribe({ query }, { next: resolve, error: resolve, complete: () => {} });
  });
}

const address = () => `${server.url.replace('http', 'ws')}/graphql`;

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(address(), 'graphql-transport-ws');
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

async function introduced(): Promise<WebSocket> {
  const socket = await openSocket();
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return socket;
}

/** Status and Retry-After of a socket that is not opened. */
function refusedSocket(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address(), 'graphql-transport-ws');
    socket.on('unexpected-response', (_request, response) => {
      resolve([response.statusCode, response.headers['retry-after']]);
      socket.terminate();
    });
    socket.on('error', () => {});
    socket.on('open', () => reject(new Error('opened')));
  });
}

describe('requests', () => {
  test('beyond those of a minute are answered 429 with Retry-After, on every route; health is not counted', async () => {
    await withLimits({ requestsPerMinute: 3 });
    for (let i = 0; i < 3; i++) expect((await server.send(version)).status).toBe(200);
    for (const path of ['/graphql', '/', '/graphiql', '/artifacts/art_none', '/metrics', '/nowhere']) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
    }
    for (let i = 0; i < 5; i++) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test('and operations over sockets are counted together', async () => {
    await withLimits({ requestsPerMinute: 3 });
    await server.send(version);
    expect(await overSocket(version)).toMatchObject({ data: { server: {} } });
    await server.send(version);
    expect(await overSocket(version)).toMatchObject([
      { message: expect.stringContaining('try again in'), extensions: limited },
    ]);
    expect((await server.send(version)).status).toBe(429);
  });
});

describe('cost', () => {
  const costly = '{ runs(first: 100) { nodes { id name status } } }'; // 401

  test('of all operations together is limited, cheap ones fit in still', async () => {
    await withLimits({ cost: 500, costPerMinute: 500 });
    expect((await server.send(costly)).status).toBe(200);
    const { status, headers, errors } = await server.send(costly);
    expect(status).toBe(429);
    expect(errors).toMatchObject([{ extensions: limited }]);
    expect(headers.get('retry-after')).toBe(String(errors[0]!.extensions!.retryAfter));
    expect(await overSocket(costly)).toMatchObject([{ extensions: limited }]);
    expect((await server.send(version)).status).toBe(200);
  });
});

describe('writes', () => {
  test('have a rate of their own, counted by field', async () => {
    await withLimits({ writesPerMinute: 3 });
    expect((await server.send(write)).status).toBe(200);
    const two =
      'mutation { a: cancelRun(id: "run_none") { userErrors { code } } deleteRun(id: "run_none") { deletedId } }';
    expect((await server.send(two)).status).toBe(200);
    expect(await server.send(write)).toMatchObject({ status: 429, errors: [{ extensions: limited }] });
    expect(await overSocket(write)).toMatchObject([{ extensions: limited }]);
    expect((await server.send(version)).status).toBe(200);
  });

  test('named again under aliases count once each', async () => {
    await withLimits({ writesPerMinute: 5 });
    const six = `mutation { ${'abcdef'.replace(/./g, '$&: cancelRun(id: "run_none") { userErrors { code } } ')} }`;
    expect((await server.send(six)).status).toBe(200); // more than ever fits is taken for a full minute
    expect((await server.send(write)).status).toBe(429);
  });
});

describe('sockets', () => {
  test('that send too many messages are closed with 1008', async () => {
    await withLimits({ messagesPerMinute: 20 });
    const socket = await introduced();
    for (let i = 0; i < 25; i++) socket.send('{"type":"ping"}');
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual([1008, 'Too many messages within a minute']);
  });

  test('pings count as messages', async () => {
    await withLimits({ messagesPerMinute: 20 });
    const socket = await introduced();
    for (let i = 0; i < 25; i++) socket.ping();
    expect((await once(socket, 'close'))[0]).toBe(1008);
  });

  test('are opened so often in a minute', async () => {
    await withLimits({ connectionsPerMinute: 2 });
    const sockets = [await openSocket(), await openSocket()];
    expect(await refusedSocket()).toEqual([429, expect.stringMatching(/^[1-9]\d*$/)]);
    for (const socket of sockets) socket.terminate();
  });

  test('are so many of one address at once; one that closes makes room', async () => {
    await withLimits({ socketsPerAddress: 2 });
    const [first] = [await openSocket(), await openSocket()];
    expect(await refusedSocket()).toEqual([429, '10']);
    first.close();
    await eventually(openSocket);
    expect((await refusedSocket().catch(() => 'opened')) as unknown).toEqual([429, '10']);
  });

  test('on which nobody introduces himself are closed with 4408', async () => {
    await withLimits({}, { initMs: 50 });
    const socket = await openSocket();
    expect((await once(socket, 'close'))[0]).toBe(4408);
  });

  test('of a client that is gone without a word are given up, and their subscriptions end', async () => {
    // Long enough for the introduction on a busy machine.
    await withLimits({ subscriptionsPerClient: 1 }, { keepAliveMs: 1000 });
    const socket = new WebSocket(address(), 'graphql-transport-ws', { autoPong: false });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.send('{"type":"subscribe","id":"1","payload":{"query":"subscription { deviceMemory { id } }"}}');
    expect((await once(socket, 'close'))[0]).toBe(1006);
    const after = follow(server.connect(), 'subscription { deviceMemory { id } }');
    await eventually(() => expect(server.usage().operations).toBe(1));
    after.stop();
  });
});

describe('operations', () => {
  const wait = 'subscription { deviceMemory { id } }';

  test('subscriptions of one client are counted over all its sockets, and given back when they end', async () => {
    await withLimits({ subscriptionsPerClient: 2 });
    const first = follow(server.connect(), wait);
    const second = follow(server.connect(), wait);
    const refusal = [
      { message: expect.stringContaining('2 subscriptions at once'), extensions: { code: 'LIMIT_EXCEEDED' } },
    ];
    await eventually(async () => expect(await third()).toEqual(refusal));
    first.stop();
    await eventually(async () => expect(await third()).toBe('open'));
    second.stop();

    async function third(): Promise<unknown> {
      const stream = follow(server.connect(), wait);
      const outcome = await Promise.race([
        stream.ended.catch((error: unknown) => error),
        new Promise((resolve) => setTimeout(resolve, 300, 'open')),
      ]);
      stream.stop();
      return outcome;
    }
  });

  test('of one socket count until they have ended, also when their client no longer wants them', async () => {
    await withLimits({ operationsPerSocket: 3 });
    const client = await server.context.db.pool.connect();
    await client.query('begin; lock table worker'); // reads of workers wait
    const socket = await introduced();
    const answers: { readonly id: string; readonly type: string; readonly payload: unknown }[] = [];
    socket.on('message', (data) => answers.push(JSON.parse(String(data))));
    for (const id of ['1', '2', '3', '4']) {
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query: '{ workers { id } }' } }));
      socket.send(JSON.stringify({ id, type: 'complete' }));
    }
    socket.send(JSON.stringify({ id: '5', type: 'subscribe', payload: { query: version } }));
    await eventually(() => expect(answers.find(({ id }) => id === '5')).toBeDefined());
    expect(answers.find(({ id }) => id === '5')).toMatchObject({
      type: 'error',
      payload: [{ message: 'A socket may run 3 operations at once', extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    await client.query('rollback');
    client.release();
    let tries = 6;
    await eventually(async () => {
      const id = String(tries++);
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query: version } }));
      const answer = await eventually(() => answers.find((each) => each.id === id)!.type);
      expect(answer).toBe('next');
    });
    socket.terminate();
  });
});

describe('with keys', () => {
  test('each key has rates of its own, from whatever address, on both ways; refused credentials are counted by address', async () => {
    server = await apiServer({ access: { authenticated: true }, limits: { writesPerMinute: 2, refusalsPerMinute: 3 } });
    const [one, other] = [await keyWith(server.context, 'WRITE'), await keyWith(server.context, 'WRITE')];
    for (let i = 0; i < 2; i++) expect((await server.send(write, {}, one.bearer)).status).toBe(200);
    expect((await server.send(write, {}, one.bearer)).status).toBe(429);
    const client = server.connect({ connectionParams: one.bearer });
    const outcome = new Promise((resolve) => {
      client.subscribe({ query: write }, { next: resolve, error: resolve, complete: () => {} });
    });
    expect(await outcome).toMatchObject([{ extensions: limited }]);
    expect((await server.send(write, {}, other.bearer)).status).toBe(200);
    const wrong = { authorization: `Bearer ${one.secret}x` };
    for (let i = 0; i < 3; i++) expect((await server.send(version, {}, wrong)).status).toBe(401);
    const refused = await server.send(version, {}, wrong);
    expect([refused.status, refused.errors[0]!.extensions]).toEqual([429, { code: 'RATE_LIMITED' }]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test('wrong keys, and requests without any, lock no good key or session of their address out', async () => {
    server = await apiServer({ access: { authenticated: true }, limits: { refusalsPerMinute: 3 } });
    const key = await keyWith(server.context, 'READ');
    const { cookie } = await logIn(server.url, key.secret);
    const wrong = { authorization: `Bearer ${key.secret}x` };
    const refused = async () => [(await server.send(version, {}, wrong)).status, (await server.send(version)).status];
    expect(await refused()).toEqual([401, 401]);
    expect(await refused()).toEqual([401, 429]);
    for (const good of [key.bearer, { cookie, origin: server.url }]) {
      expect((await server.send(version, {}, good)).status).toBe(200);
    }
    expect((await logIn(server.url, key.secret)).status).toBe(200);
    const { socket, admitted } = openSocketWith(server.url, { payload: key.bearer });
    expect(await admitted).toBe('open');
    socket.terminate();
    expect(await refused()).toEqual([429, 429]);
    expect(await logIn(server.url, `${key.secret}x`)).toMatchObject({ status: 429 });
  });

  test('subscriptions are counted by key', async () => {
    server = await apiServer({ access: { authenticated: true }, limits: { subscriptionsPerClient: 1 } });
    const [one, other] = [await keyWith(server.context, 'READ'), await keyWith(server.context, 'READ')];
    const wait = 'subscription { deviceMemory { id } }';
    const first = follow(server.connect({ connectionParams: one.bearer }), wait);
    await eventually(() => expect(server.usage().operations).toBe(1));
    const second = follow(server.connect({ connectionParams: one.bearer }), wait);
    await expect(second.ended).rejects.toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    const third = follow(server.connect({ connectionParams: other.bearer }), wait);
    await eventually(() => expect(server.usage().operations).toBe(2));
    first.stop();
    third.stop();
  });
});
