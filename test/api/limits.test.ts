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

const spread = (directive: string, aliased: string, inner: string) =>
  `{ ...A ...B } fragment A on Query { ...C ...C ...C ...C ...C } fragment B on Query { ...A ...A }
   fragment C on Query { ${aliased}server${directive} { ${inner} } }`;

refused.push(
  ['to compare', `{ ${'server { version } '.repeat(490)} }`, {}, 'too many fields more than once'],
  ['aliases in fragments that are spread 15 times', spread('', 'a: ', 'b: version c: version'), {}, '45 aliases'],
  [
    'directives in fragments that are spread 15 times',
    spread(' @include(if: true) @skip(if: false)', '', 'version @include(if: true) schemaVersion @skip(if: false)'),
    {},
    '60 directives, more than the limit of 50',
  ],
  [
    'depth in fragments',
    `{ runs { nodes { ...A } } }
     fragment A on Run { experiment { bestRun { experiment { bestRun { experiment { ...B } } } } } }
     fragment B on Experiment { bestRun { experiment { bestRun { experiment { bestRun { experiment { bestRun { id } } } } } } } }`,
    {},
    '15 levels of fields, more than the limit of 14',
  ],
  [
    'introspection',
    `{ ${Array.from({ length: 30 }, (_, i) => `a${i}: __schema { types { ...T } }`).join(' ')} }
     fragment T on __Type { fields { name args { name type { name kind } } type { name kind } } }`,
    {},
    'more than the limit of 100000',
  ],
  [
    'points of series',
    `{ runs(first: 100) { nodes { metricHistory(names: ["a", "b"], maxPoints: 1000) { points { step value { value } } } } } }`,
    {},
    'more than the limit of 100000',
  ],
  [
    'names of series',
    `query ($names: [String!]) { run(id: "r") { metricHistory(names: $names, maxPoints: 100) { points { step value { value } } } } }`,
    { names: Array.from({ length: 1000 }, (_, i) => `m${i}`) },
    'more than the limit of 100000',
  ],
);

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

describe('what an operation could cost', () => {
  const cost = async (query: string, variables = {}) =>
    Number((await server.send(query, variables)).headers.get('x-graphql-cost'));

  test('is told in a header, and in the refusal with the limit', async () => {
    expect(await cost('{ server { version } }')).toBe(2);
    const { errors } = await server.send(
      '{ experiments(first: 100) { nodes { runs(first: 100) { nodes { id tags } } } } }',
    );
    expect(errors[0]!.extensions).toEqual({ code: 'LIMIT_EXCEEDED', cost: 120_201, limit: 100_000 });
  });

  test('counts a fragment wherever it is spread, a page once for nodes and edges each, and elements of lists', async () => {
    expect(
      await cost(
        '{ ...A b: server { ...B } } fragment A on Query { server { ...B } } fragment B on ServerInfo { version }',
      ),
    ).toBe(4);
    expect(await cost('{ runs(first: 7) { nodes { id } edges { node { id } } } }')).toBe(1 + 7 * (1 + 1 + 1 + 1 + 1));
    expect(await cost('query ($n: Int!) { runs(first: $n) { nodes { id } } }', { n: 30 })).toBe(1 + 30 * 2 + 1);
  });

  test('is not counted in exponential time', async () => {
    const chain = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(
      ' ',
    );
    const { errors } = await server.send(`{ ...F0 } ${chain} fragment F60 on Query { server { version } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', limit: 100_000 } }]);
  });
});

describe('what variables may hold', () => {
  const query = 'mutation ($input: UpdateRunInput!) { updateRun(input: $input) { run { id } } }';
  const asText = (text: string) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":${text}}`,
    }).then(async (response) => [response.status, ((await response.json()) as { errors: Error[] }).errors[0]!.message]);

  test('no key that JavaScript takes for a prototype', async () => {
    expect(await asText('{"input":{"id":"r","__proto__":{"name":"x"}}}')).toEqual([
      400,
      'Variable "$input" has a key "__proto__", which no input has; leave it out',
    ]);
    const literal = await server.send('mutation { updateRun(input: { id: "r", __proto__: 1 }) { run { id } } }');
    expect(literal.status).toBe(400);
    expect(({} as Record<string, unknown>).name).toBeUndefined();
  });

  test('20 levels at most', async () => {
    const nested = (levels: number) => `{"input":{"id":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    expect(await asText(nested(21))).toEqual([
      400,
      'Variable "$input" has more levels of lists and objects than the limit of 20',
    ]);
    const [, message] = await asText(nested(19));
    expect(message).toContain('ID cannot represent');
  });

  test.for(['1', '[]', '"{}"'])('%s is none', async (text) => {
    expect(await asText(text)).toEqual([400, expect.stringContaining('variables')]);
  });
});

describe('an operation’s name', () => {
  const named = (operationName: unknown) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query A { server { version } } query B { workers { id } }', operationName }),
    }).then(async (response) => [response.status, await response.json()]);

  test('chooses one; others are refused', async () => {
    expect(await named('A')).toMatchObject([200, { data: { server: {} } }]);
    for (const wrong of [
      'C',
      '',
      null,
      undefined,
      '__proto__',
      'constructor',
      'x'.repeat(100_000),
      1,
      ['A'],
      { A: 1 },
    ]) {
      expect(await named(wrong)).toMatchObject([400, { errors: [{ message: expect.any(String) }] }]);
    }
  });

  test('over a socket as well', async () => {
    const ask = (operationName: string) =>
      new Promise((resolve) => {
        const query = 'query A { server { version } } query B { workers { id } }';
        server.connect().subscribe({ query, operationName }, { next: resolve, error: resolve, complete: () => {} });
      });
    expect(await ask('B')).toEqual({ data: { workers: [] } });
    expect(await ask('C')).toMatchObject([
      { message: 'Unknown operation named "C".', extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } },
    ]);
  });
});

test('a subscription over HTTP is refused with the way to do it', async () => {
  const { status, errors } = await server.send('subscription { deviceMemory { id } }');
  expect(status).toBe(400);
  expect(errors).toMatchObject([{ message: expect.stringContaining('run over WebSocket') }]);
});

test('a directive that GraphQL’s own rule stumbles over is a refusal like any other', async () => {
  const query = 'subscription { deviceMemory @include { id } }';
  const error = { message: expect.stringContaining('"if"'), extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } };
  expect(await server.send(query)).toMatchObject({ status: 400, errors: [error] });
  expect(await overSocket(query)).toMatchObject([error]);
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
