import { once } from 'node:events';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ApiServer, apiServer } from '../support/apiServer.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

/** What the server says to an operation sent over a socket: its first result, or its errors. */
function overSocket(query: string, variables: Record<string, unknown> = {}): Promise<unknown> {
  return new Promise((resolve) => {
    server.connect().subscribe({ query, variables }, { next: resolve, error: resolve, complete: () => {} });
  });
}

const nested = (levels: number) =>
  `{ runs { nodes { ${'experiment { bestRun { '.repeat(levels)} id ${'} }'.repeat(levels)} } } }`;

const refused: [string, string, Record<string, unknown>, string][] = [
  ['depth', nested(10), {}, '23 levels of fields, more than the limit of 14'],
  [
    'aliases',
    `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: server { version }`).join(' ')} }`,
    {},
    '40 aliases, more than the limit of 30',
  ],
  ['tokens', `{ ${'server { version } '.repeat(800)} }`, {}, '2000 tokens'],
  [
    'cost',
    '{ experiments(first: 100) { nodes { runs(first: 100) { nodes { metrics { name } } } } } }',
    {},
    'more than the limit of 100000',
  ],
  [
    'cost by variables',
    'query ($n: Int) { experiments(first: $n) { nodes { runs(first: $n) { nodes { metrics { name } } } } } }',
    { n: 100 },
    'more than the limit of 100000',
  ],
  [
    'cost by a default of a variable, in a fragment',
    `query ($n: Int = 100) { experiments(first: $n) { ...page } }
     fragment page on ExperimentConnection { edges { node { ...runs } } }
     fragment runs on Experiment { runs(first: $n) { edges { node { metrics { name } } } } }`,
    {},
    'more than the limit of 100000',
  ],
];

describe.for(refused)('too much %s', ([, query, variables, message]) => {
  test('is refused over HTTP', async () => {
    const { status, errors, data } = await server.send(query, variables);
    expect(status).toBe(400);
    expect(data).toBeUndefined();
    expect(errors[0]!.message).toContain(message);
  });

  test('is refused over a socket', async () => {
    expect(await overSocket(query, variables)).toEqual([
      expect.objectContaining({
        message: expect.stringContaining(message),
        extensions: expect.objectContaining({
          code: message.includes('tokens') ? 'GRAPHQL_PARSE_FAILED' : 'LIMIT_EXCEEDED',
        }),
      }),
    ]);
  });
});

describe('text that PostgreSQL cannot hold', () => {
  const by = 'query ($id: ID!) { run(id: $id) { id } }';
  const wrong: [string, string, Record<string, unknown>, string][] = [
    ['an id', by, { id: 'run_\0' }, 'Variable "$id"'],
    ['half of a surrogate pair', by, { id: 'run_\ud83c' }, 'Variable "$id"'],
    ['a literal', '{ experiments(search: "a\\u0000") { nodes { id } } }', {}, 'A text of the query'],
    [
      'a field deep in an input',
      'mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } } }',
      { input: { experimentId: 'exp_1', config: { labels: ['blast', '\0'] } } },
      'Variable "$input.config.labels.1"',
    ],
  ];
  test.for(wrong)('%s is refused by name, over HTTP and over a socket', async ([, query, variables, message]) => {
    const error = { message: expect.stringContaining(message), extensions: { code: 'BAD_USER_INPUT' } };
    expect((await server.send(query, variables)).errors).toMatchObject([error]);
    expect(await overSocket(query, variables)).toMatchObject([error]);
  });

  test('is not looked for so deep that the stack would end', async () => {
    const depth = 100_000;
    const body = `{"query":"query ($id: ID!) { run(id: $id) { id } }","variables":{"id":${'['.repeat(depth)}"\\u0000"${']'.repeat(depth)}}}`;
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).toContain(
      'Variable \\"$id\\" has more levels of lists and objects than the limit of 20',
    );
  });
});

describe('within the limits', () => {
  test('is what tools ask of a schema', async () => {
    const { __schema } = await server.ask(
      getIntrospectionQuery({ oneOf: true, descriptions: true, inputValueDeprecation: true }),
    );
    expect(__schema.types.length).toBeGreaterThan(100);
  });

  test('is a page of everything a dashboard shows', async () => {
    const query = `{ experiments(first: 20) { nodes {
      id name runCount objective { metric direction }
      leaderboard(first: 20) { edges { rank node {
        value { value } comparable run { id name status architecture metrics { name last { value } } epochs { index errorRate } }
      } } }
    } } }`;
    expect((await server.ask(query)).experiments.nodes).toEqual([]);
  });
});

describe('sockets', () => {
  const url = () => `${server.url.replace('http', 'ws')}/graphql`;

  test('answer an operation that cannot be parsed, and stay open', async () => {
    expect(await overSocket('{ server {')).toMatchObject([
      { message: expect.stringContaining('Syntax Error'), extensions: { code: 'GRAPHQL_PARSE_FAILED' } },
    ]);
    expect(await overSocket('{ nonsense }')).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    expect(await overSocket('query ($n: Int!) { runs(first: $n) { nodes { id } } }', { n: 'x' })).toMatchObject({
      errors: [{ message: expect.stringContaining('$n'), extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });

  test('are closed on a message that is too big', async () => {
    const socket = new WebSocket(url(), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { padding: 'x'.repeat(1_100_000) } }));
    const [code] = await once(socket, 'close');
    expect(code).toBe(1009);
  });

  test('are not opened for pages of other sites, nor on other paths', async () => {
    const status = (address: string, origin?: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address, 'graphql-transport-ws', origin === undefined ? {} : { origin });
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('open', () => resolve('open'));
        socket.on('error', () => {});
      });
    expect(await status(url(), 'https://elsewhere.example')).toBe(403);
    expect(await status(url(), 'null')).toBe(403);
    expect(await status(url(), server.url)).toBe('open');
    expect(await status(url().replace('/graphql', '/other'))).toBe(404);
  });

  test('a bug is masked and logged with its request id', async () => {
    await server.context.db.pool.query('alter table worker rename to worker_away');
    const result = (await overSocket('{ workers { id } }')) as {
      errors: { message: string; extensions: { requestId: string } }[];
    };
    await server.context.db.pool.query('alter table worker_away rename to worker');
    const { message, extensions } = result.errors[0]!;
    expect(message).toBe(`Internal server error. The server's log has more about request ${extensions.requestId}`);
    expect(server.logged.some(({ requestId }) => requestId === extensions.requestId)).toBe(true);
  });
});
