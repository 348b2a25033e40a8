/** Every route's answers carry the headers that keep browsers safe; a table of all routes. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { absenceMessage } from '../../src/domain/absence.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { keyWith, logIn } from './authFixtures.ts';

let server: ApiServer;
let guarded: ApiServer;
beforeAll(async () => {
  server = await apiServer({ access: { trustedProxies: ['127.0.0.1'] } });
  guarded = await apiServer({ access: { authenticated: true } });
});
afterAll(async () => {
  await server.close();
  await guarded.close();
});

/** Method, path, status without credentials where nobody is asked for them, and where they are. */
const routes: readonly [string, string, number, number][] = [
  ['GET', '/', 200, 302],
  ['GET', '/graphiql', 200, 302],
  ['GET', '/graphiql/start.js', 200, 302],
  ['GET', '/graphiql/graphiql.min.js', 200, 302],
  ['GET', '/graphiql/graphql-ws/client.js', 200, 302],
  ['GET', '/healthz', 200, 200],
  ['GET', '/readyz', 200, 200],
  ['GET', '/version', 200, 200],
  ['GET', '/metrics', 200, 401],
  ['GET', '/graphql', 400, 401],
  ['POST', '/graphql', 400, 401],
  ['OPTIONS', '/graphql', 400, 401],
  ['DELETE', '/graphql', 400, 401],
  ['POST', '/session', 404, 400],
  ['DELETE', '/session', 404, 204],
  ['POST', '/uploads', 400, 401],
  ['GET', '/submissions/sub_none.csv', 404, 401],
  ['GET', '/prediction-sets/prd_none.safetensors', 404, 401],
  ['GET', '/artifacts/art_none', 404, 401],
  ['GET', '/images/ds_none/0/thumbnail', 404, 401],
  ['GET', '/images/%00/0/thumbnail', 404, 401],
  ['GET', '/nowhere', 404, 401],
  ['GET', '/%E0%A4%A', 404, 401],
];

describe.for(routes)('%s %s', ([method, route, open, asked]) => {
  test('answers with the headers, open and guarded', async () => {
    for (const [{ url }, status] of [
      [server, open],
      [guarded, asked],
    ] as const) {
      const { headers, status: given } = await fetch(url + route, { method, redirect: 'manual' });
      expect(given).toBe(status);
      const policy = headers.get('content-security-policy')!;
      expect(policy).toMatch(/^default-src 'self'; base-uri 'none'; /);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("object-src 'none'");
      expect(policy).not.toMatch(/script-src|unsafe-eval|https?:/);
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'permissions-policy': expect.stringContaining('camera=(), '),
        'x-request-id': expect.stringMatching(/^[\w.:-]{1,100}$/),
      });
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  });
});

test('https is kept to by browsers that came by it, as a trusted proxy tells; others are not told', async () => {
  const asked = (proto: string) =>
    fetch(`${server.url}/version`, { headers: { 'x-forwarded-proto': proto } }).then(({ headers }) =>
      headers.get('strict-transport-security'),
    );
  expect(await asked('https')).toBe('max-age=31536000');
  expect(await asked('http')).toBeNull();
  const untrusted = await fetch(`${guarded.url}/version`, { headers: { 'x-forwarded-proto': 'https' } });
  expect(untrusted.headers.get('strict-transport-security')).toBeNull();
});

describe('introspection', () => {
  let closed: ApiServer;
  beforeAll(async () => {
    closed = await apiServer({ introspection: false });
  });
  afterAll(() => closed.close());

  const overSocket = (query: string, variables = {}) =>
    new Promise((resolve) => {
      closed.connect().subscribe({ query, variables }, { next: resolve, error: resolve, complete: () => {} });
    });

  const introspect = '{ __schema { queryType { name } } }';

  test('is on while nobody is asked for a key', async () => {
    expect((await server.send(introspect)).status).toBe(200);
    expect((await fetch(`${server.url}/graphiql`)).status).toBe(200);
  });

  test('is with keys for who has one or has logged in, as GraphiQL is', async () => {
    expect((await guarded.send(introspect)).status).toBe(401);
    const login = { status: 302, location: '/login?next=%2Fgraphiql' };
    const page = await fetch(`${guarded.url}/graphiql`, { redirect: 'manual' });
    expect({ status: page.status, location: page.headers.get('location') }).toEqual(login);
    const reader = await keyWith(guarded.context, 'READ');
    const { cookie } = await logIn(guarded.url, reader.secret);
    for (const credentials of [reader.bearer, { cookie, origin: guarded.url }]) {
      expect(await guarded.ask(introspect, {}, credentials)).toEqual({ __schema: { queryType: { name: 'Query' } } });
      const { errors } = await guarded.send('{ servr { version } }', {}, credentials);
      expect(errors[0]!.message).toContain('Did you mean "server"');
      expect((await fetch(`${guarded.url}/graphiql`, { headers: credentials })).status).toBe(200);
    }
  });

  test('that is off is off on both ways; __typename stays', async () => {
    for (const query of ['{ __schema { queryType { name } } }', '{ __type(name: "Run") { name } }']) {
      const error = {
        message: expect.stringContaining('introspection has been disabled'),
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      };
      expect(await closed.send(query)).toMatchObject({
        status: 400,
        errors: expect.arrayContaining([expect.objectContaining(error)]),
      });
      expect(await overSocket(query)).toEqual(
        expect.arrayContaining([expect.objectContaining({ message: error.message })]),
      );
    }
    expect(await closed.ask('{ __typename }')).toEqual({ __typename: 'Query' });
    expect((await fetch(`${closed.url}/graphiql`)).status).toBe(404);
    expect(await (await fetch(closed.url)).text()).not.toContain('/graphiql');
  });

  test('takes the suggestions of names with it, those of values and inputs too', async () => {
    const wrong: [string, object][] = [
      ['{ servr { version } }', {}],
      ['{ server { versio } }', {}],
      ['{ runs(firs: 1) { nodes { id } } }', {}],
      ['{ runs(orderBy: { field: CREATED_A }) { nodes { id } } }', {}],
      [
        'query ($o: RunOrderInput) { runs(orderBy: $o) { nodes { id } } }',
        { o: { field: 'CREATED_A', directio: 'ASC' } },
      ],
      ['query ($o: RunOrderInp) { runs { nodes { id } } }', {}],
    ];
    for (const [query, variables] of wrong) {
      const told = JSON.stringify((await server.send(query, variables)).errors);
      expect(told).toContain('Did you mean');
      const { errors } = await closed.send(query, variables);
      expect(errors.length).toBeGreaterThan(0);
      expect(JSON.stringify(errors)).not.toMatch(/Did you mean|CREATED_AT|"direction"/);
      expect(JSON.stringify(await overSocket(query, variables))).not.toMatch(/Did you mean|CREATED_AT|"direction"/);
    }
  });
});

describe('internal errors', () => {
  const masked = /^Internal server error\. The server's log has more about request ([\w-]+)$/;
  const rename = (from: string, to: string) => server.context.db.pool.query(`alter table ${from} rename to ${to}`);

  /** What the log has about a request; nothing of it may be in the answer. */
  function loggedOf(requestId: string): string {
    const lines = server.logged.filter((line) => line.requestId === requestId && Number(line.level) >= 50);
    expect(lines.length).toBeGreaterThan(0);
    return JSON.stringify(lines);
  }

  test.for([
    ['submission', '/submissions/sub_x.csv'],
    ['prediction_set', '/prediction-sets/prd_x.safetensors'],
    ['artifact', '/artifacts/art_x'],
    ['dataset', '/images/ds_x/0/thumbnail'],
  ])('without the table %s %s is masked, with a request id that the log has', async ([table, route]) => {
    await rename(table!, `${table}_away`);
    try {
      const response = await fetch(server.url + route, { headers: { 'x-request-id': `test-${table}` } });
      expect(response.status).toBe(500);
      const text = await response.text();
      const [, requestId] = masked.exec(JSON.parse(text).errors[0].message)!;
      expect(requestId).toBe(`test-${table}`);
      expect(loggedOf(requestId!)).toContain(table);
      expect(text).not.toMatch(/prisma|relation|table|select/i);
    } finally {
      await rename(`${table}_away`, table!);
    }
  });

  test('an upload that cannot be kept is masked', async () => {
    await rename('upload', 'upload_away');
    try {
      const response = await fetch(`${server.url}/uploads?name=a.zip`, {
        method: 'POST',
        headers: { 'content-type': 'application/zip' },
        body: Buffer.from('504b0506000000000000000000000000000000000000', 'hex'),
      });
      expect(response.status).toBe(500);
      const { errors } = (await response.json()) as { errors: { message: string }[] };
      loggedOf(masked.exec(errors[0]!.message)![1]!);
    } finally {
      await rename('upload_away', 'upload');
    }
  });

  test('with the database’s connections cut every answer tells of the absence or is right, and the next ones are right', async () => {
    const { pool } = server.context.db;
    const queries = Array.from({ length: 40 }, () =>
      server.send('{ runs { nodes { id } } experiments { nodes { id } } }'),
    );
    await pool.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    for (const { errors } of await Promise.all(queries)) {
      for (const error of errors) {
        expect(error).toMatchObject({ message: absenceMessage, extensions: { code: 'UNAVAILABLE' } });
      }
    }
    await expect.poll(async () => (await server.send('{ runs { nodes { id } } }')).status).toBe(200);
  });

  test('a subscription whose source fails is told a masked error', async () => {
    await rename('device', 'device_away');
    try {
      const outcome = await new Promise((resolve) => {
        const query = 'subscription { deviceMemory { id devices { name } } }';
        server.connect().subscribe({ query }, { next: resolve, error: resolve, complete: () => resolve('complete') });
      });
      const [{ message }] = (outcome as { errors: [Error] }).errors;
      expect(loggedOf(masked.exec(message)![1]!)).toContain('device');
    } finally {
      await rename('device_away', 'device');
    }
  });
});
