import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { follow } from './follow.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

const operationsOf = (requestId: string) =>
  server.logged.filter((line) => line.msg === 'operation' && line.requestId === requestId);

test('a request keeps the id that it brings, where that may stand in a log, and gets one otherwise', async () => {
  const ids = ['trace-1:2.3_4', 'x'.repeat(100)];
  for (const id of ids) {
    const { headers } = await server.send('{ __typename }', {}, { 'x-request-id': id });
    expect(headers.get('x-request-id')).toBe(id);
  }
  for (const id of ['two words', '"quoted"', 'x'.repeat(101), '']) {
    const { headers } = await server.send('{ __typename }', {}, { 'x-request-id': id });
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  }
});

test('an operation over HTTP is one line: what it was, how it ended, never its variables', async () => {
  const named = { 'x-request-id': 'named' };
  await server.send('query Find($id: ID!) { run(id: $id) { id } }', { id: 'run_of_variables' }, named);
  expect(operationsOf('named')).toEqual([
    expect.objectContaining({
      ...{ transport: 'http', operationType: 'query', operationName: 'Find', outcome: 'ok', viewer: 'local' },
      durationMs: expect.any(Number),
    }),
  ]);
  await server.send('query Broken {', {}, { 'x-request-id': 'broken' });
  expect(operationsOf('broken')).toMatchObject([
    { operationType: null, outcome: 'error', codes: ['GRAPHQL_PARSE_FAILED'] },
  ]);
  await server.send(`query ${'N'.repeat(1000)} { nothing }`, {}, { 'x-request-id': 'invalid' });
  expect(operationsOf('invalid')).toMatchObject([{ outcome: 'error', codes: ['GRAPHQL_VALIDATION_FAILED'] }]);
  await server.send(`query ${'N'.repeat(1000)} { __typename }`, {}, { 'x-request-id': 'long' });
  expect(operationsOf('long')).toMatchObject([{ operationName: 'N'.repeat(100), outcome: 'ok' }]);
  expect(JSON.stringify(server.logged)).not.toContain('run_of_variables');
});

test('so is an operation over a WebSocket, under the id of the upgrade; a subscription when it has ended', async () => {
  class Socket extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { headers: { 'x-request-id': 'socket-7' } });
    }
  }
  const client = createClient({
    ...{ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: Socket, retryAttempts: 0 },
  });
  const single = (query: string) => client.iterate({ query })[Symbol.asyncIterator]().next();
  await single('query Over { __typename }');
  await expect(single('{ nothing }')).rejects.toBeDefined();
  const watched = follow(client, 'subscription Devices { deviceMemory { id } }');
  await expect(
    follow(client, 'subscription Gone { runEvents(runId: "run_none") { cursor } }').ended,
  ).rejects.toBeDefined();
  const nameOf = (line: Readonly<Record<string, unknown>>) => [line.operationName, line.operationType, line.outcome];
  await eventually(() =>
    expect(operationsOf('socket-7').map(nameOf)).toEqual([
      ['Over', 'query', 'ok'],
      [null, null, 'error'],
      ['Gone', 'subscription', 'error'],
    ]),
  );
  watched.stop();
  await eventually(() =>
    expect(operationsOf('socket-7').map(nameOf)).toContainEqual(['Devices', 'subscription', 'ok']),
  );
  await client.dispose();
  expect(operationsOf('socket-7').every(({ transport }) => transport === 'ws')).toBe(true);
});

test('errors of the answer and the line about them have the same id', async () => {
  await server.context.db.pool.query('alter table worker rename to worker_away');
  const { errors } = await server.send('query Broken { workers { id } }', {}, { 'x-request-id': 'failing' });
  await server.context.db.pool.query('alter table worker_away rename to worker');
  expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'failing' } }]);
  expect(operationsOf('failing')).toMatchObject([{ outcome: 'error', codes: ['INTERNAL_SERVER_ERROR'] }]);
  expect(server.logged).toContainEqual(expect.objectContaining({ requestId: 'failing', msg: 'a resolver failed' }));
});
