import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { keyWith, logIn, openSocket, type TestKey } from './authFixtures.ts';

const page = 'https://dashboard.example';

/** A request with any headers, Host too, which fetch does not let one set. */
function ask(url: string, path: string, headers: Record<string, string>, method = 'GET', body?: string) {
  return new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: string }>(
    (resolve, reject) => {
      const sent = httpRequest(url + path, { method, headers, setHost: headers.host === undefined }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      });
      sent.on('error', reject);
      sent.end(body);
    },
  );
}

function refusedUpgrade(url: string, headers: Record<string, string>): Promise<number | 'open'> {
  return new Promise((resolve) => {
    const { socket } = openSocket(url, { headers });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
    socket.on('message', () => {
      resolve('open');
      socket.close();
    });
    socket.on('error', () => {});
  });
}

describe('a server without authentication', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await apiServer({ access: { allowedHosts: ['rungraph.example'] } });
  });
  afterAll(() => server.close());

  test('takes everybody of this machine for the local viewer', async () => {
    expect(await server.ask('{ viewer { name scopes } }')).toEqual({
      viewer: { name: 'local', scopes: ['READ', 'WRITE', 'ADMIN'] },
    });
  });

  test.each(['localhost', '127.0.0.1', 'LOCALHOST:9', 'my.localhost:80', '[::1]:4000', 'rungraph.example:4000'])(
    'is asked under the name %s',
    async (host) => {
      expect((await ask(server.url, '/', { host })).status).toBe(200);
      expect(await refusedUpgrade(server.url, { host })).toBe('open');
    },
  );

  // A name of the attacker's that leads to 127.0.0.1: the browser takes this server for the attacker's site.
  test.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.0.2',
    '0.0.0.0',
    'xlocalhost',
  ])('is not asked under the name %j: DNS rebinding', async (host) => {
    for (const path of ['/', '/graphql', '/metrics', '/login']) {
      const { status, body } = await ask(server.url, path, { host });
      expect([path, status]).toEqual([path, 403]);
      expect(body).toContain('RUNGRAPH_ALLOWED_HOSTS');
    }
    expect(await refusedUpgrade(server.url, { host })).toBe(403);
  });

  test('the name that a client claims to have used counts only behind a trusted proxy, and must be allowed too', async () => {
    expect((await ask(server.url, '/', { host: 'evil.example', 'x-forwarded-host': 'localhost' })).status).toBe(403);
    const proxied = await apiServer({ access: { trustedProxies: ['127.0.0.1'], allowedHosts: ['rungraph.example'] } });
    expect((await ask(proxied.url, '/', { host: 'localhost', 'x-forwarded-host': 'rungraph.example' })).status).toBe(
      200,
    );
    expect((await ask(proxied.url, '/', { host: 'localhost', 'x-forwarded-host': 'evil.example' })).status).toBe(403);
    expect((await ask(proxied.url, '/', { host: 'evil.example', 'x-forwarded-host': 'localhost' })).status).toBe(403);
    await proxied.close();
  });

  test('takes no write from pages of other sites', async () => {
    const body = JSON.stringify({
      query: 'mutation { createExperiment(input: { name: "evil" }) { experiment { id } } }',
    });
    for (const headers of [{ origin: page }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<
      string,
      string
    >[]) {
      const answer = await ask(
        server.url,
        '/graphql',
        { 'content-type': 'application/json', ...headers },
        'POST',
        body,
      );
      expect(answer.status).toBe(403);
    }
    expect(await server.context.db.prisma.experiment.count()).toBe(0);
    expect(await refusedUpgrade(server.url, { origin: page })).toBe(403);
  });

  test('tells no browser that other pages may read its answers', async () => {
    const { headers } = await ask(server.url, '/', { origin: page });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const preflight = await ask(
      server.url,
      '/graphql',
      { origin: page, 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  test('has nothing to log in to', async () => {
    expect(
      (await ask(server.url, '/session', { 'content-type': 'application/json' }, 'POST', '{"key":"x"}')).status,
    ).toBe(404);
    expect((await ask(server.url, '/login', {})).headers.location).toBe('/');
  });
});

describe('a server with RUNGRAPH_CORS_ORIGINS', () => {
  let server: ApiServer;
  let key: TestKey;
  beforeAll(async () => {
    server = await apiServer({ access: { authenticated: true, corsOrigins: [page] } });
    key = await keyWith(server.context, 'WRITE');
  });
  afterAll(() => server.close());

  const body = JSON.stringify({ query: '{ viewer { name } }' });
  const json = { 'content-type': 'application/json' };

  test('answers the preflight of a listed page before it asks for a key', async () => {
    const wanted = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const { status, headers } = await ask(server.url, '/graphql', { origin: page, ...wanted }, 'OPTIONS');
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': expect.stringContaining('authorization'),
      vary: 'Origin',
    });
  });

  test('lets a listed page read answers, refusals too', async () => {
    const good = await ask(server.url, '/graphql', { ...json, origin: page, ...key.bearer }, 'POST', body);
    expect([good.status, good.headers['access-control-allow-origin']]).toEqual([200, page]);
    const bad = await ask(server.url, '/graphql', { ...json, origin: page }, 'POST', body);
    expect([bad.status, bad.headers['access-control-allow-origin']]).toEqual([401, page]);
    expect(await refusedUpgrade(server.url, { origin: page, ...key.bearer })).toBe('open');
  });

  test('takes writes with a session from a listed page', async () => {
    const { cookie } = await logIn(server.url, key.secret, { origin: page });
    const write = JSON.stringify({
      query: 'mutation { createExperiment(input: { name: "listed" }) { experiment { id } } }',
    });
    const answer = await ask(server.url, '/graphql', { ...json, cookie, origin: page }, 'POST', write);
    expect(JSON.parse(answer.body)).toMatchObject({
      data: { createExperiment: { experiment: { id: expect.any(String) } } },
    });
  });

  test.each(['https://evil.example', 'null', `${page}.evil.example`, 'http://dashboard.example', `${page}:8443`])(
    'does not know %s',
    async (origin) => {
      const preflight = await ask(
        server.url,
        '/graphql',
        { origin, 'access-control-request-method': 'POST' },
        'OPTIONS',
      );
      expect(preflight.status).toBe(401);
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
      const answer = await ask(server.url, '/graphql', { ...json, origin, ...key.bearer }, 'POST', body);
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
      expect(answer.headers.vary).toBe('Origin');
      expect(await refusedUpgrade(server.url, { origin, ...key.bearer })).toBe(403);
    },
  );

  test('is asked under any name: a page that leads its own name here has no key', async () => {
    expect(
      (await ask(server.url, '/graphql', { ...json, host: 'rungraph.example', ...key.bearer }, 'POST', body)).status,
    ).toBe(200);
    const page = await ask(
      server.url,
      '/graphql',
      { ...json, host: 'evil.example', origin: 'http://evil.example' },
      'POST',
      body,
    );
    expect(page.status).toBe(401);
  });
});

describe('addresses of clients', () => {
  const audit = '{ auditLog(first: 1) { nodes { address } } }';
  const write = 'mutation { cancelRun(id: "run_none") { run { id } } }';
  const addressOf = async (server: ApiServer, forwarded: string) => {
    await server.ask(write, {}, { 'x-forwarded-for': forwarded });
    return (await server.ask(audit)).auditLog.nodes[0].address;
  };

  test('are believed from trusted proxies only, up to the first that is none', async () => {
    const direct = await apiServer();
    expect(await addressOf(direct, '192.0.2.1')).toBe('127.0.0.1');
    await direct.close();
    const proxied = await apiServer({ access: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } });
    expect(await addressOf(proxied, '192.0.2.1')).toBe('192.0.2.1');
    expect(await addressOf(proxied, '198.51.100.9, 192.0.2.1, 10.1.2.3')).toBe('192.0.2.1');
    expect(await addressOf(proxied, '10.0.0.1')).toBe('10.0.0.1');
    expect(await addressOf(proxied, '::ffff:192.0.2.4')).toBe('192.0.2.4');
    await proxied.close();
  });
});
