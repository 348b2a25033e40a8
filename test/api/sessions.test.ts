import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { revokeApiKey } from '../../src/commands/apiKey.ts';
import { hashSecret } from '../../src/domain/secret.ts';
import { sessionAge, sessionIdle } from '../../src/store/session.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { keyWith, logIn, openSocket, type TestKey } from './authFixtures.ts';

/** The tests' own address is a proxy, so that each may log in from another one. */
const proxied = { authenticated: true, trustedProxies: ['127.0.0.1'] };

let server: ApiServer;
let admin: TestKey;
let origin: { readonly origin: string };
beforeAll(async () => {
  server = await apiServer({ access: proxied });
  admin = await keyWith(server.context, 'ADMIN');
  origin = { origin: server.url };
});
afterAll(() => server.close());

let address = 0;
let from: Record<string, string>;
beforeEach(() => {
  from = { 'x-forwarded-for': `192.0.2.${++address}` };
});

const query = '{ viewer { name scopes } }';
const write = 'mutation { createExperiment(input: { name: "x" }) { userErrors { code } } }';

describe('a login', () => {
  test('gives a cookie that scripts cannot read and other sites cannot have sent', async () => {
    const login = await logIn(server.url, admin.secret, from);
    expect(login.status).toBe(200);
    expect(login.body).toMatchObject({ name: 'a ADMIN key', scopes: ['ADMIN'] });
    expect(login.setCookie).toMatch(
      /^rungraph_session=[0-9a-f]{64}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
    );
    expect(await server.ask(query, {}, { cookie: login.cookie, ...origin })).toMatchObject({
      viewer: { scopes: ['ADMIN'] },
    });
    const { rows } = await server.context.db.pool.query('select row_to_json(s)::text as row from session s');
    for (const { row } of rows) expect(row).not.toContain(login.cookie.split('=')[1]);
  });

  test('under https: Secure, and a name that no other host can set', async () => {
    const https = { ...from, 'x-forwarded-proto': 'https' };
    const { setCookie, cookie } = await logIn(server.url, admin.secret, https);
    expect(setCookie).toMatch(/^__Host-rungraph_session=[0-9a-f]{64}; .*; Secure$/);
    expect((await server.send(query, {}, { cookie, ...origin, ...https })).status).toBe(200);
    // the same secret under the name of http is not looked at
    const plain = cookie.replace('__Host-', '');
    expect((await server.send(query, {}, { cookie: plain, ...origin, ...https })).status).toBe(401);
  });

  test('with a wrong key is refused and logged without it', async () => {
    const wrong = `rungraph_${'f'.repeat(64)}`;
    const { status, setCookie, body } = await logIn(server.url, wrong, from);
    expect([status, setCookie]).toEqual([401, '']);
    expect(body.errors).toMatchObject([
      { message: 'There is no such API key', extensions: { code: 'UNAUTHENTICATED' } },
    ]);
    const line = server.logged.find(
      ({ msg, address }) => msg === 'a login was refused' && address === from['x-forwarded-for'],
    );
    expect(line).toMatchObject({ reason: 'There is no such API key' });
    expect(JSON.stringify(server.logged)).not.toContain(wrong);
  });

  test.each([[undefined], [null], [5], [{ a: 1 }]])('with %j for a key is refused', async (key) => {
    expect((await logIn(server.url, key, from)).status).toBe(400);
  });

  test('ends the session that the browser had', async () => {
    const first = await logIn(server.url, admin.secret, from);
    const second = await logIn(server.url, admin.secret, { ...from, cookie: first.cookie, ...origin });
    expect(second.cookie).not.toBe(first.cookie);
    expect((await server.send(query, {}, { cookie: first.cookie, ...origin })).status).toBe(401);
    expect((await server.send(query, {}, { cookie: second.cookie, ...origin })).status).toBe(200);
  });

  test('may be tried ten times a minute from one address, an IPv6 network counting as one', async () => {
    const attempt = (headers: Record<string, string>) => logIn(server.url, 'wrong', headers);
    // No try comes back meanwhile, however slow the machine is.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    onTestFinished(() => void vi.restoreAllMocks());
    for (const own of ['198.51.100.7', '2001:db8::1']) {
      for (let i = 0; i < 10; i++) expect((await attempt({ 'x-forwarded-for': own })).status).toBe(401);
      const same = own.replace('::1', '::ffff:2');
      const refused = await attempt({ 'x-forwarded-for': same });
      expect(refused.status).toBe(429);
      expect(refused.body.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
      // also with a good key: who guesses shall not learn that it was right
      expect((await logIn(server.url, admin.secret, { 'x-forwarded-for': same })).status).toBe(429);
    }
    expect((await attempt({ 'x-forwarded-for': '2001:db8:0:1::1' })).status).toBe(401);
    expect((await attempt(from)).status).toBe(401);
  });
});

describe('a session', () => {
  const age = async (cookie: string, times: { created?: number; used?: number }) => {
    const { db } = server.context;
    const hash = hashSecret(cookie.split('=')[1]!);
    const now = Date.now();
    await db.prisma.session.update({
      where: { hash },
      data: {
        ...(times.used !== undefined && { lastUsedAt: new Date(now - times.used) }),
        ...(times.created !== undefined && { expiresAt: new Date(now - times.created + sessionAge) }),
      },
    });
  };
  const status = async (cookie: string) => (await server.send(query, {}, { cookie, ...origin })).status;

  test('ends twelve hours after its last use', async () => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    await age(cookie, { used: sessionIdle - 60_000 });
    expect(await status(cookie)).toBe(200);
    await age(cookie, { used: sessionIdle - 60_000 });
    expect(await status(cookie)).toBe(200);
    await age(cookie, { used: sessionIdle });
    expect(await status(cookie)).toBe(401);
  });

  test('ends after seven days, however much it is used', async () => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    await age(cookie, { created: sessionAge - 60_000 });
    expect(await status(cookie)).toBe(200);
    await age(cookie, { created: sessionAge });
    expect(await status(cookie)).toBe(401);
  });

  test('ends when it logs out, with its sockets, and its cookie goes', async () => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    const socket = openSocket(server.url, { headers: { cookie, ...origin } });
    expect(await socket.admitted).toBe('open');
    const response = await fetch(`${server.url}/session`, { method: 'DELETE', headers: { cookie, ...origin } });
    expect(response.status).toBe(204);
    expect(response.headers.get('set-cookie')).toMatch(/^rungraph_session=; .*Max-Age=0/);
    expect(await socket.closed).toMatchObject({ code: 4401 });
    expect(await status(cookie)).toBe(401);
  });

  test('ends with its key', async () => {
    const key = await keyWith(server.context, 'WRITE');
    const { cookie } = await logIn(server.url, key.secret, from);
    const socket = openSocket(server.url, { headers: { cookie, ...origin } });
    expect(await socket.admitted).toBe('open');
    await revokeApiKey(server.context, key.id);
    expect(await socket.closed).toMatchObject({ code: 4401 });
    expect(await status(cookie)).toBe(401);
  });

  test('may what its key may, and no more', async () => {
    const key = await keyWith(server.context, 'READ');
    const { cookie } = await logIn(server.url, key.secret, from);
    expect((await server.send(write, {}, { cookie, ...origin })).status).toBe(403);
  });

  test('gives way to a key that the request has too', async () => {
    const key = await keyWith(server.context, 'READ');
    const { cookie } = await logIn(server.url, admin.secret, from);
    expect(await server.ask(query, {}, { cookie, ...origin, ...key.bearer })).toMatchObject({
      viewer: { scopes: ['READ'] },
    });
    const wrong = await server.send(query, {}, { cookie, ...origin, authorization: 'Bearer wrong' });
    expect(wrong.status).toBe(401);
  });
});

describe('requests of other sites with the cookie', () => {
  const evil = 'https://evil.example';

  test.each([
    ['no origin', {}],
    ['another origin', { origin: evil }],
    ['no origin that could be told', { origin: 'null' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['another site by fetch metadata', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('%s: nothing is written', async (_, headers) => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    const before = await server.context.db.prisma.experiment.count();
    const { status, errors } = await server.send(write, {}, { cookie, ...headers });
    expect([status, errors[0]!.extensions]).toEqual([403, { code: 'FORBIDDEN' }]);
    expect(await server.context.db.prisma.experiment.count()).toBe(before);
    expect((await fetch(`${server.url}/session`, { method: 'DELETE', headers: { cookie, origin: evil } })).status).toBe(
      403,
    );
    expect((await server.send(query, {}, { cookie, ...origin })).status).toBe(200); // the session is still there
  });

  test('a query by POST without an origin is refused too, and told what is missing', async () => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    const { status, errors } = await server.send(query, {}, { cookie });
    expect([status, errors[0]!.message]).toEqual([
      403,
      'A request with a session, other than GET, needs an Origin header of this server',
    ]);
  });

  test('a login from another site is refused: nobody is logged in as somebody else', async () => {
    const { status, setCookie } = await logIn(server.url, admin.secret, { ...from, origin: evil });
    expect([status, setCookie]).toEqual([403, '']);
    const form = await fetch(`${server.url}/session`, {
      method: 'POST',
      headers: { ...from, 'content-type': 'application/x-www-form-urlencoded' },
      body: `key=${admin.secret}`,
    });
    expect([form.status, form.headers.get('set-cookie')]).toEqual([400, null]);
  });

  test('a socket is not opened', async () => {
    const { cookie } = await logIn(server.url, admin.secret, from);
    for (const wrong of [evil, 'null', 'http://127.0.0.1:1']) {
      const { socket } = openSocket(server.url, { headers: { cookie, origin: wrong } });
      const refused = vi.fn();
      socket.on('unexpected-response', (_request, response) => refused(response.statusCode));
      socket.on('error', () => {});
      await eventually(() => expect(refused).toHaveBeenCalledWith(403));
    }
  });
});
