/** What HTTP requests and upgrades may not be; every refusal leaves the server as it was. */

import { once } from 'node:events';
import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { bodyDeadline } from '../../src/server/body.ts';
import { type Front, openFront } from '../../src/server/front.ts';
import { answerError, prepareResponse } from '../../src/server/requests.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());
afterEach(async () => {
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
});

const json = { 'content-type': 'application/json' };
const version = '{"query":"{ server { version } }"}';

async function post(
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = json,
): Promise<[number, string]> {
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
  return [response.status, await response.text()];
}

/** Everything that the server answers to these bytes, until it closes. */
async function raw(bytes: string, url = server.url): Promise<string> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

describe('a body', () => {
  test('must be UTF-8', async () => {
    const [status, answer] = await post(Buffer.from('{"query":"{ server { version } } # \xff"}', 'latin1'));
    expect([status, answer]).toEqual([400, expect.stringContaining('the body is not valid UTF-8')]);
    const wide = await post(Buffer.from(version, 'utf16le'), { 'content-type': 'application/json; charset=utf-16' });
    expect(wide).toEqual([400, expect.stringContaining('must be UTF-8')]);
    expect((await post(version, { 'content-type': 'application/json; charset=latin1' }))[0]).toBe(415);
    expect((await post(version, { 'content-type': 'application/json; charset="UTF-8"' }))[0]).toBe(200);
  });

  test('is measured unpacked', async () => {
    const packed = gzipSync(Buffer.from(`{"query":"# ${'x'.repeat(5_000_000)}"}`));
    expect(packed.length).toBeLessThan(20_000);
    expect((await post(packed, { ...json, 'content-encoding': 'gzip' }))[0]).toBe(413);
    expect((await post(gzipSync(version), { ...json, 'content-encoding': 'gzip' }))[0]).toBe(200);
    expect((await post(Buffer.from('no gzip'), { ...json, 'content-encoding': 'gzip' }))[0]).toBe(400);
    expect((await post(version, { ...json, 'content-encoding': 'nonsense' }))[0]).toBe(415);
  });

  test.for([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    '',
  ])('of type "%s" is none', async (type) => {
    const [status, answer] = await post(version, type ? { 'content-type': type } : {});
    expect(status).toBe(400);
    expect(answer).not.toContain('"data"');
  });

  test.for([
    '[{"query":"{ __typename }"},{"query":"{ __typename }"}]',
    'null',
    '1',
    '"x"',
    '[]',
    '{}',
    '{"query":{"kind":"Document"}}',
    '{"query":1}',
  ])('%s is no request: there are no batches', async (body) => {
    const [status, answer] = await post(body);
    expect(status).toBe(400);
    expect(JSON.parse(answer)).toMatchObject({ errors: [{ message: expect.any(String) }] });
  });

  test('cannot name a stored query', async () => {
    const sha256Hash = 'a'.repeat(64);
    const [, answer] = await post(JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash } } }));
    expect(answer).toContain('PERSISTED_QUERY_NOT_SUPPORTED');
  });
});

describe('queries in the path', () => {
  const get = (query: string, headers = {}) =>
    fetch(`${server.url}/graphql?query=${encodeURIComponent(query)}`, { headers });

  test('are answered to programs only, and never write', async () => {
    expect((await get('{ server { version } }')).status).toBe(400);
    const asked = { 'apollo-require-preflight': 'yes' };
    expect((await get('{ server { version } }', asked)).status).toBe(200);
    const write = await get('mutation { deleteRun(id: "run_none") { deletedId } }', asked);
    expect([write.status, write.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('headers', () => {
  test('of more than 16 KiB are answered 431', async () => {
    const long = await raw(`GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1\.1 431 /);
    const many = await raw(`GET /healthz HTTP/1.1\r\nhost: a\r\n${'name: value\r\n'.repeat(3_000)}\r\n`);
    expect(many).toMatch(/^HTTP\/1\.1 431 /);
  });

  test.for([
    ['two lengths', 'content-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'content-length: -1\r\n\r\n'],
    ['a chunk that is none', 'transfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a folded line', 'x: a\r\n b\r\n\r\n'],
    ['a bare line feed in a name', 'x\ny: a\r\n\r\n'],
  ])('with %s end the connection', async ([, rest]) => {
    expect(await raw(`POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${rest}`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  test('that ask for an upgrade of nothing, or in strange words, are refused; the process lives', async () => {
    for (const target of ['//', 'http://[', '/%', '*', '/graphql/', '/other?a=//']) {
      const answer = await raw(
        `GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      );
      expect(answer).toMatch(/^(HTTP\/1\.1 40[04] |$)/);
    }
  });

  test('of upgrades whose client is gone before it is answered do no harm', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write('GET /other HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
        socket.resetAndDestroy();
        await once(socket, 'close');
      }),
    );
  });
});

describe('who is slow', () => {
  let front: Front;
  beforeAll(async () => {
    front = await openFront({ host: '127.0.0.1', port: 0 });
    const app = express();
    app.use(bodyDeadline(500));
    app.post('/late', (request, response) => {
      request.resume().on('end', () => response.end('all of it'));
    });
    app.post('/answered', (_request, response) => response.end('at once'));
    front.serve(app);
  });
  afterAll(() => front.close());

  test('with headers has ten seconds', async () => {
    expect(front.http.headersTimeout).toBe(10_000);
    expect(await raw('GET / HTTP/1.1\r\nhost: a\r\nx: ', front.url)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('with a body is answered 408 and cut off', async () => {
    const late = await raw('POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc', front.url);
    expect(late).toMatch(/^HTTP\/1\.1 408 /);
    expect(late).toContain('did not arrive within 0.5 s');
    const chunks = await raw(
      'POST /late HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n',
      front.url,
    );
    expect(chunks).toMatch(/^HTTP\/1\.1 408 /);
    const answered = await raw('POST /answered HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc', front.url);
    expect(answered).toContain('at once');
  });

  test('but not too slow is answered', async () => {
    const response = await fetch(`${front.url}/late`, { method: 'POST', body: 'abc' });
    expect(await response.text()).toBe('all of it');
  });
});

describe('an answer that breaks off', () => {
  const logged: Record<string, unknown>[] = [];
  const log = createLogger('server', 'info', { write: (line: string) => logged.push(JSON.parse(line)) });
  let front: Front;
  beforeAll(async () => {
    front = await openFront({ host: '127.0.0.1', port: 0 });
    const app = express();
    app.use(prepareResponse);
    app.get('/half', async (_request, response) => {
      const half = async function* () {
        yield Buffer.alloc(100_000);
        throw new Error('the disk of /srv is gone');
      };
      await pipeline(half(), response);
    });
    app.get('/endless', async (_request, response) => {
      const endless = async function* () {
        for (;;) yield Buffer.alloc(100_000);
      };
      await pipeline(endless(), response);
      throw new Error('not reached');
    });
    app.use(answerError(log));
    front.serve(app);
  });
  afterAll(() => front.close());

  test('is cut, and logged with its request id; nothing is said of why', async () => {
    const answer = await raw('GET /half HTTP/1.1\r\nhost: a\r\nx-request-id: half\r\n\r\n', front.url);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toMatch(/0\r\n\r\n$/);
    expect(answer).not.toContain('srv');
    await expect
      .poll(() => logged)
      .toMatchObject([{ level: 50, requestId: 'half', err: { message: 'the disk of /srv is gone' } }]);
  });

  test('because its reader has gone is nothing to log', async () => {
    logged.length = 0;
    const socket = net.connect(front.port, '127.0.0.1');
    socket.write('GET /endless HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    const connections = () => new Promise((resolve) => front.http.getConnections((_error, count) => resolve(count)));
    await expect.poll(connections).toBe(0);
    await raw('GET /half HTTP/1.1\r\nhost: a\r\nx-request-id: after\r\n\r\n', front.url);
    await expect.poll(() => logged.map(({ requestId }) => requestId)).toEqual(['after']);
  });
});

describe('numbers and texts at the edge', () => {
  test.for(['constructor', '__proto__', 'toString', 'constructor_1', '__proto___1', 'toString_x', 'hasOwnProperty_01'])(
    '%s is no id and no name of anything',
    async (id) => {
      const query = `query ($id: ID!, $name: String!) {
        node(id: $id) { id } run(id: $id) { id } architectures(search: $name) { name } experiment(name: $name) { id }
        dataset(id: $id) { id }
      }`;
      expect(await server.ask(query, { id, name: id })).toEqual({
        ...{ node: null, run: null, architectures: [], experiment: null, dataset: null },
      });
    },
  );

  const run =
    'query ($id: ID!, $step: Long, $points: Int) { run(id: $id) { metricHistory(afterStep: $step, maxPoints: $points) { name } } }';
  const values: readonly unknown[] = [
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    2 ** 63,
    1e308,
    -1e308,
    5e-324,
    0.5,
    -0,
    '1',
    true,
    null,
    [],
    {},
  ];

  test.for(values.map((value) => [JSON.stringify(value), value] as const))(
    '%s is answered or refused, never an error of ours',
    async ([, value]) => {
      for (const variables of [{ id: 'run_none', step: value }, { id: 'run_none', points: value }, { id: value }]) {
        const { status, errors } = await server.send(run, variables);
        expect(status).toBeLessThan(500);
        for (const { extensions } of errors) expect(extensions?.code).not.toBe('INTERNAL_SERVER_ERROR');
      }
    },
  );

  test.for([
    'accumulation = 99999999999999999999',
    'epochs < 1e999',
    'epochs > -1e308',
    'valid/error_rate < 0.00000000000000000000000000000000000000000000000001',
    'size.height in (1e400, 2)',
    `name like ${'*a'.repeat(200)}`,
    `${'('.repeat(300)}epochs = 1${')'.repeat(300)}`,
    `${'not '.repeat(500)}epochs = 1`,
    `tag in (${'a, '.repeat(3000)}b)`,
    '\u202e💥 = "\\"',
  ])('the filter %j is answered or refused', async (filter) => {
    const { errors } = await server.send('query ($filter: String) { runs(filter: $filter) { nodes { id } } }', {
      filter,
    });
    for (const { extensions } of errors) expect(extensions?.code).toBe('BAD_USER_INPUT');
  });
});
