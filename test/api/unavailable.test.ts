/** What clients are told while PostgreSQL is away from a server and a worker, and that all is well when it is back. */

import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { absenceMessage } from '../../src/domain/absence.ts';
import { createRegistry } from '../../src/metrics/registry.ts';
import { createAuthenticator } from '../../src/server/auth/authenticator.ts';
import { openFront } from '../../src/server/front.ts';
import { createReadiness } from '../../src/server/readiness.ts';
import { workerPort } from '../../src/server/workerPort.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { silent, type TestContext, testContext } from '../support/commandContext.ts';
import { type DatabaseProxy, databaseProxy } from '../support/databaseProxy.ts';
import { parseExposition, sampleOf } from '../support/exposition.ts';
import { keyWith, logIn, openSocket, type TestKey } from './authFixtures.ts';
import { follow } from './follow.ts';

let direct: TestContext;
let proxy: DatabaseProxy;
let db: Database;
let open: ApiServer;
let guarded: ApiServer;
let key: TestKey;
let cookie: string;
beforeAll(async () => {
  direct = await testContext();
  proxy = await databaseProxy(direct.url);
  db = await openDatabase(proxy.url);
  const context = { ...direct, db, url: proxy.url };
  open = await apiServer({ context });
  guarded = await apiServer({ context, access: { authenticated: true } });
  key = await keyWith(direct, 'WRITE');
  ({ cookie } = await logIn(guarded.url, key.secret));
});
afterAll(async () => {
  await open.close();
  await guarded.close();
  await db.close();
  await proxy.close();
  await direct.close();
});

const experiments = '{ experiments { nodes { name } } }';
const make = 'mutation ($name: String!) { createExperiment(input: { name: $name }) { experiment { id } } }';
const away = { message: absenceMessage, extensions: { code: 'UNAVAILABLE' } };
const awayLater = { extensions: { code: 'UNAVAILABLE', retryAfter: 5 }, message: absenceMessage };

async function expectAway(response: Response): Promise<void> {
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await response.json()).toEqual({ errors: [away] });
}

/** What the servers take for an error of ours. */
const bugs = () => [...open.logged, ...guarded.logged].filter(({ level }) => Number(level) >= 50);

describe('while PostgreSQL is away', () => {
  beforeEach(() => proxy.block(true));
  afterEach(async () => {
    proxy.block(false);
    await expect.poll(async () => (await open.send(experiments)).status, { timeout: 20_000 }).toBe(200);
    expect(bugs()).toEqual([]);
  });

  test.for([
    ['GET', '/submissions/sub_x.csv'],
    ['GET', '/prediction-sets/prd_x.safetensors'],
    ['GET', '/artifacts/art_x'],
    ['GET', '/images/ds_x/0/thumbnail'],
    ['PUT', '/uploads/a.zip'],
  ] as const)('%s %s is 503 with one sentence', async ([method, path]) => {
    await expectAway(await fetch(open.url + path, { method, ...(method === 'PUT' && { body: 'PK' }) }));
  });

  test.for([
    ['GET', '/'],
    ['GET', '/graphiql'],
    ['GET', '/metrics'],
    ['GET', '/nowhere'],
    ['POST', '/graphql'],
    ['POST', '/uploads'],
    ['DELETE', '/session'],
  ] as const)('%s %s with a key or a session is 503, for neither can be looked up', async ([method, path]) => {
    for (const headers of [key.bearer, { cookie, origin: guarded.url }]) {
      if (path === '/session' && !('cookie' in headers)) continue;
      await expectAway(await fetch(guarded.url + path, { method, headers: { ...headers } }));
    }
  });

  test('who logs in is told so, who brings no credentials that they are needed; health is that of the process', async () => {
    const { status, body } = await logIn(guarded.url, key.secret);
    expect([status, body]).toEqual([503, { errors: [away] }]);
    expect((await fetch(`${guarded.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${guarded.url}/healthz`)).status).toBe(200);
  });

  test('queries and mutations are UNAVAILABLE, with status 503 where there is no data at all, and nothing is written', async () => {
    for (const [query, variables] of [
      [experiments, {}],
      [make, { name: 'away' }],
    ] as const) {
      const { status, headers, errors, data } = await open.send(query, variables);
      expect([status, headers.get('retry-after'), data]).toEqual([503, '5', null]);
      expect(errors).toMatchObject([awayLater]);
    }
    const partly = await open.send('{ __typename run(id: "run_x") { id } }');
    expect(partly).toMatchObject({ status: 200, data: { __typename: 'Query', run: null }, errors: [awayLater] });
    expect(await direct.db.prisma.experiment.count({ where: { name: 'away' } })).toBe(0);
  });

  test('over a WebSocket too, query after query', async () => {
    const { admitted, messages, send, socket } = openSocket(open.url, {});
    expect(await admitted).toBe('open');
    const answered = (id: string) => expect.poll(() => messages.find((message) => message.id === id));
    send({ id: '1', type: 'subscribe', payload: { query: experiments } });
    await answered('1').toMatchObject({ type: 'next', payload: { data: null, errors: [awayLater] } });
    send({ id: '2', type: 'subscribe', payload: { query: make, variables: { name: 'away' } } });
    await answered('2').toMatchObject({ type: 'next', payload: { data: null, errors: [awayLater] } });
    socket.close();
    await once(socket, 'close');
  });

  test('/metrics tells what is known, where no key has to be looked up', async () => {
    await open.send(experiments);
    const response = await fetch(`${open.url}/metrics`);
    expect(response.status).toBe(200);
    const families = parseExposition(await response.text());
    expect(sampleOf(families, 'rungraph_graphql_errors_total', { code: 'UNAVAILABLE' })).toBeGreaterThan(0);
    expect(sampleOf(families, 'rungraph_graphql_errors_total', { code: 'INTERNAL_SERVER_ERROR' })).toBeUndefined();
    expect(sampleOf(families, 'rungraph_queue_jobs')).toBeUndefined();
  });

  test('a socket whose key cannot be looked up is closed with 1013', async () => {
    const { closed } = openSocket(guarded.url, { payload: key.bearer });
    expect(await closed).toEqual({ code: 1013, reason: absenceMessage });
  });
});

test('a client of the protocol comes back by itself once its key can be looked up', async () => {
  proxy.block(true);
  let closes = 0;
  const client = guarded.connect({
    connectionParams: key.bearer,
    retryAttempts: 10_000,
    retryWait: async () => {
      if (++closes === 3) proxy.block(false);
    },
  });
  const { stop } = follow(client, 'subscription { deviceMemory { id } }');
  await expect.poll(() => guarded.usage().operations, { timeout: 20_000 }).toBe(1);
  expect(closes).toBeGreaterThanOrEqual(3);
  stop();
});

test('a mutation that a scope forbids is told on an open socket that the audit log is away, and the socket goes on', async () => {
  const reader = await keyWith(direct, 'READ');
  const { admitted, messages, send, socket } = openSocket(guarded.url, { payload: reader.bearer });
  expect(await admitted).toBe('open');
  proxy.block(true);
  send({ id: '1', type: 'subscribe', payload: { query: make, variables: { name: 'x' } } });
  await expect.poll(() => messages.find(({ id }) => id === '1')).toMatchObject({ type: 'error', payload: [awayLater] });
  proxy.block(false);
  send({ id: '2', type: 'subscribe', payload: { query: '{ __typename }' } });
  await expect.poll(() => messages.find(({ id }) => id === '2')).toMatchObject({ type: 'next' });
  socket.close();
  await once(socket, 'close');
});

test('a worker answers /metrics with 503 while the key cannot be looked up', async () => {
  const { identify } = createAuthenticator({ commands: { ...direct, db }, log: silent });
  const readiness = createReadiness({}, { log: silent });
  const front = await openFront({ host: '127.0.0.1', port: 0 });
  front.serve(workerPort({ readiness, registry: createRegistry('worker', 'wrk_1', db), identify }));
  const scrape = () => fetch(`${front.url}/metrics`, { headers: key.bearer });
  expect((await scrape()).status).toBe(200);
  proxy.block(true);
  await expectAway(await scrape());
  proxy.block(false);
  await expect.poll(async () => (await scrape()).status).toBe(200);
  await front.close();
});
