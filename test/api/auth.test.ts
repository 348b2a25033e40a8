import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGraphqlClient, operation } from '../../src/bin/demo/client.ts';
import { createApiKey, revokeApiKey } from '../../src/commands/apiKey.ts';
import { findApiKey } from '../../src/store/apiKey.ts';
import { frame, upgrade } from '../fuzz/sockets.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { keyWith, openSocket, type TestKey } from './authFixtures.ts';

let server: ApiServer;
let reader: TestKey;
let writer: TestKey;
let admin: TestKey;
beforeAll(async () => {
  server = await apiServer({ access: { authenticated: true } });
  reader = await keyWith(server.context, 'READ');
  writer = await keyWith(server.context, 'WRITE');
  admin = await keyWith(server.context, 'ADMIN');
});
afterAll(() => server.close());

const query = '{ viewer { name scopes } }';
const create = 'mutation ($name: String!) { createExperiment(input: { name: $name }) { experiment { id } } }';
const makeKey = 'mutation { createApiKey(input: { name: "k", scopes: [READ] }) { secret } }';

describe('without credentials', () => {
  test('nothing is answered but health: 401 with the scheme', async () => {
    const paths = [
      '/graphql',
      '/artifacts/art_1',
      '/submissions/sub_1.csv',
      '/prediction-sets/x.safetensors',
      '/images/a/0/thumbnail',
      '/metrics',
      '/nowhere',
    ];
    for (const path of paths) {
      const response = await fetch(server.url + path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="rungraph"');
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    }
    for (const path of ['/healthz', '/readyz', '/version']) expect((await fetch(server.url + path)).status).toBe(200);
  });

  test('not even the schema, before the body is read', async () => {
    const { status, errors } = await server.send('{ __schema { types { name } } }');
    expect(status).toBe(401);
    expect(errors).toMatchObject([{ message: expect.stringContaining('Authorization: Bearer KEY') }]);
    const body = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      body: 'no JSON',
      headers: { 'content-type': 'application/json' },
    });
    expect(body.status).toBe(401);
  });

  test('an upload is refused', async () => {
    const response = await fetch(`${server.url}/uploads`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(401);
  });

  test.each([
    ['Bearer', 'must read "Bearer"'],
    ['Basic dXNlcjpwdw==', 'must read "Bearer"'],
    [`Bearer rungraph_${'0'.repeat(64)}`, 'There is no such API key'],
    ['Bearer a b', 'must read "Bearer"'],
  ])('nor with %s', async (authorization, message) => {
    const { status, errors } = await server.send(query, {}, { authorization });
    expect(status).toBe(401);
    expect(errors).toMatchObject([
      { message: expect.stringContaining(message), extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  test('a socket is closed with 4401', async () => {
    const none = openSocket(server.url, {});
    expect(await none.admitted).toMatchObject({ code: 4401, reason: expect.stringContaining('authorization') });
    const wrong = openSocket(server.url, { payload: { authorization: 'Bearer rungraph_x' } });
    expect(await wrong.admitted).toEqual({ code: 4401, reason: 'There is no such API key' });
    const odd = openSocket(server.url, { payload: { authorization: { $ne: '' } } });
    expect(await odd.admitted).toMatchObject({ code: 4401 });
  });
});

describe('keys', () => {
  test('are told whose they are', async () => {
    expect(await server.ask(query, {}, writer.bearer)).toEqual({ viewer: { name: 'a WRITE key', scopes: ['WRITE'] } });
  });

  test('have 256 bits behind a prefix; the database has their SHA-256 only', async () => {
    expect(reader.secret).toMatch(/^rungraph_[0-9a-f]{64}$/);
    const { rows } = await server.context.db.pool.query('select row_to_json(k)::text as row from api_key k');
    for (const { row } of rows) {
      for (const { secret } of [reader, writer, admin]) expect(row).not.toContain(secret.slice(-64));
    }
  });

  test('say when they were used, to the minute', async () => {
    const key = await keyWith(server.context, 'READ');
    const read = async () => (await findApiKey(server.context.db.prisma, { id: key.id }))!.lastUsedAt;
    expect(await read()).toBeNull();
    await server.ask(query, {}, key.bearer);
    const first = await read();
    expect(first!.getTime()).toBeGreaterThan(Date.now() - 60_000);
    await server.ask(query, {}, key.bearer);
    expect(await read()).toEqual(first);
    const long = new Date(Date.now() - 61_000);
    await server.context.db.prisma.apiKey.update({ where: { id: key.id }, data: { lastUsedAt: long } });
    await server.ask(query, {}, key.bearer);
    expect((await read())!.getTime()).toBeGreaterThan(long.getTime() + 60_000);
  });

  test('that are revoked or expired are refused, saying so', async () => {
    const revoked = await keyWith(server.context, 'ADMIN');
    await revokeApiKey(server.context, revoked.id);
    expect((await server.send(query, {}, revoked.bearer)).errors[0]!.message).toBe(
      'The API key "a ADMIN key" is revoked',
    );
    const expired = await keyWith(server.context, 'ADMIN', new Date(Date.now() + 3_600_000));
    expect((await server.send(query, {}, expired.bearer)).status).toBe(200);
    const past = new Date(Date.now() - 1);
    await server.context.db.prisma.apiKey.update({ where: { id: expired.id }, data: { expiresAt: past } });
    const { status, errors } = await server.send(query, {}, expired.bearer);
    expect([status, errors[0]!.message]).toEqual([
      401,
      `The API key "a ADMIN key" has expired at ${past.toISOString()}`,
    ]);
  });

  test('are made, listed and revoked over GraphQL; the secret is shown once and works', async () => {
    const make = `mutation ($expiresAt: DateTime) { createApiKey(input: { name: "made", scopes: [READ, WRITE], expiresAt: $expiresAt }) {
      apiKey { id name scopes createdAt expiresAt lastUsedAt } secret userErrors { code } } }`;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { createApiKey: made } = await server.ask(make, { expiresAt }, admin.bearer);
    expect(made).toMatchObject({
      apiKey: { name: 'made', scopes: ['READ', 'WRITE'], expiresAt, lastUsedAt: null },
      userErrors: [],
    });
    const bearer = { authorization: `Bearer ${made.secret}` };
    const list = '{ viewer { apiKeys { id } } }';
    const ids = async (headers: Record<string, string>) =>
      (await server.ask(list, {}, headers)).viewer.apiKeys.map(({ id }: { id: string }) => id);
    expect(await ids(bearer)).toEqual([made.apiKey.id]); // others see their own
    expect(await ids(admin.bearer)).toEqual(expect.arrayContaining([made.apiKey.id, reader.id, admin.id]));
    const revoke = 'mutation ($id: ID!) { revokeApiKey(id: $id) { deletedId userErrors { code message path } } }';
    const revoked = await server.ask(revoke, { id: made.apiKey.id }, admin.bearer);
    expect(revoked.revokeApiKey).toEqual({ deletedId: made.apiKey.id, userErrors: [] });
    expect((await server.send(list, {}, bearer)).status).toBe(401);
    expect(await ids(admin.bearer)).not.toContain(made.apiKey.id);
    const again = await server.ask(revoke, { id: made.apiKey.id }, admin.bearer);
    expect(again.revokeApiKey.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
  });

  test('that cannot be are refused, all problems at once', async () => {
    const make = `mutation { createApiKey(input: { name: " ", scopes: [], expiresAt: "2020-01-01T00:00:00Z" }) {
      apiKey { id } secret userErrors { code path } } }`;
    const { createApiKey: made } = await server.ask(make, {}, admin.bearer);
    expect(made).toMatchObject({ apiKey: null, secret: null });
    expect(made.userErrors.map(({ path }: { path: string[] }) => path[0])).toEqual(['name', 'scopes', 'expiresAt']);
  });
});

describe('scopes', () => {
  const cases: [name: string, query: string, variables: object, allowed: string][] = [
    ['a query', '{ experiments { nodes { id } } }', {}, 'READ WRITE ADMIN'],
    ['a mutation', create, { name: 'by' }, 'WRITE ADMIN'],
    [
      'a mutation in a fragment',
      `mutation { ...on Mutation { ...Make } } fragment Make on Mutation { cancelRun(id: "run_1") { run { id } } }`,
      {},
      'WRITE ADMIN',
    ],
    ['a mutation of keys', makeKey, {}, 'ADMIN'],
    ['a mutation of keys under another name', makeKey.replace('createApiKey', 'harmless: createApiKey'), {}, 'ADMIN'],
    ['a mutation of keys that is skipped', makeKey.replace(') {', ') @skip(if: true) {'), {}, 'ADMIN'],
    ['the audit log', '{ auditLog { nodes { id } } }', {}, 'ADMIN'],
    ['the audit log in a fragment', 'query { ...A } fragment A on Query { auditLog { nodes { id } } }', {}, 'ADMIN'],
    ['the audit log beside others', '{ viewer { name } auditLog { nodes { id } } }', {}, 'ADMIN'],
  ];

  test.for(cases)('%s', async ([, text, variables, allowed]) => {
    for (const [scope, key] of Object.entries({ READ: reader, WRITE: writer, ADMIN: admin })) {
      const name = { ...variables, ...('name' in variables && { name: `by ${scope} ${Math.random()}` }) };
      const { status, errors, data } = await server.send(text, name, key.bearer);
      const socket = openSocket(server.url, { payload: key.bearer });
      await socket.admitted;
      socket.send({
        type: 'subscribe',
        id: '1',
        payload: { query: text, variables: { ...name, ...('name' in name && { name: `ws ${name.name}` }) } },
      });
      await eventually(() => expect(socket.messages.length).toBeGreaterThan(1));
      const [, answer] = socket.messages;
      socket.socket.close();
      if (allowed.split(' ').includes(scope)) {
        expect([scope, errors]).toEqual([scope, []]);
        expect(answer).toMatchObject({ type: 'next' });
      } else {
        const refusal = {
          message: expect.stringMatching(/needs the scope (WRITE|ADMIN); a \w+ key has /),
          extensions: { code: 'FORBIDDEN' },
        };
        expect([scope, status, data]).toEqual([scope, 403, undefined]);
        expect(errors).toMatchObject([refusal]);
        expect(answer).toMatchObject({ type: 'error', payload: [refusal] });
      }
    }
  });

  test('of another operation of the same document do not count', async () => {
    const document = `query Look { viewer { name } } ${makeKey.replace('mutation', 'mutation Make')}`;
    const ask = (operationName: string) =>
      fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...reader.bearer },
        body: JSON.stringify({ query: document, operationName }),
      });
    expect((await ask('Look')).status).toBe(200);
    expect((await ask('Make')).status).toBe(403);
  });

  test('a key without WRITE uploads nothing', async () => {
    const response = await fetch(`${server.url}/uploads`, { method: 'POST', body: 'x', headers: { ...reader.bearer } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });

  test('READ is enough for downloads and metrics', async () => {
    expect((await fetch(`${server.url}/submissions/sub_none.csv`, { headers: { ...reader.bearer } })).status).toBe(404);
    expect((await fetch(`${server.url}/metrics`, { headers: { ...reader.bearer } })).status).toBe(200);
  });
});

describe('open sockets', () => {
  const watch = { type: 'subscribe', id: 'w', payload: { query: 'subscription { deviceMemory { id } }' } };

  test('take a key of the upgrade, or of the first message', async () => {
    const byHeader = openSocket(server.url, { headers: reader.bearer });
    const byMessage = openSocket(server.url, { payload: reader.bearer });
    expect(await Promise.all([byHeader.admitted, byMessage.admitted])).toEqual(['open', 'open']);
    for (const { socket } of [byHeader, byMessage]) socket.close();
  });

  test('are closed with 4401 when their key is revoked, on every server, and their subscriptions end', async () => {
    const other = await apiServer({ access: { authenticated: true }, context: server.context });
    const key = await keyWith(server.context, 'READ');
    const stays = openSocket(other.url, { payload: reader.bearer });
    const cut = [openSocket(server.url, { payload: key.bearer }), openSocket(other.url, { payload: key.bearer })];
    for (const socket of [stays, ...cut]) {
      expect(await socket.admitted).toBe('open');
      socket.send(watch);
    }
    const revoke = 'mutation ($id: ID!) { revokeApiKey(id: $id) { deletedId } }';
    await server.ask(revoke, { id: key.id }, admin.bearer);
    const ends = await Promise.all(cut.map(({ closed }) => closed));
    expect(ends).toEqual(Array(2).fill({ code: 4401, reason: 'The API key or session has ended' }));
    stays.send({ type: 'ping' });
    await eventually(() => expect(stays.messages.some(({ type }) => type === 'pong')).toBe(true));
    stays.socket.close();
    await other.close();
  });

  test('take nothing more once they are told to close, whether their client answers that or not', async () => {
    const key = await keyWith(server.context, 'WRITE');
    const raw = net.connect(Number(new URL(server.url).port), '127.0.0.1');
    let heard = '';
    raw.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    const hears = (text: string) => eventually(() => expect(heard).toContain(text));
    const say = (message: object) => raw.write(frame(JSON.stringify(message)));
    raw.write(upgrade());
    say({ type: 'connection_init', payload: key.bearer });
    await hears('connection_ack');
    await server.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { deletedId } }', { id: key.id }, admin.bearer);
    await hears('The API key or session has ended');
    say({ type: 'subscribe', id: 'm', payload: { query: create, variables: { name: 'too late' } } });
    raw.end(frame(Buffer.from([0x11, 0x31]), { opcode: 8 }));
    await once(raw, 'close');
    await server.ask(create, { name: 'in time' }, admin.bearer);
    const where = { name: { in: ['too late', 'in time'] } };
    const names = await server.context.db.prisma.experiment.findMany({ where, select: { name: true } });
    expect(names).toEqual([{ name: 'in time' }]);
  });

  test('are closed when their key expires, or when nobody could tell them that it was revoked', async () => {
    const key = await keyWith(server.context, 'READ', new Date(Date.now() + 3_600_000));
    const socket = openSocket(server.url, { payload: key.bearer });
    expect(await socket.admitted).toBe('open');
    await server.context.db.prisma.apiKey.update({
      where: { id: key.id },
      data: { expiresAt: new Date(Date.now() - 1) },
    });
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });
});

test('a key needs at least one scope', async () => {
  await expect(createApiKey(server.context, { name: 'x', scopes: [] })).rejects.toThrow(
    'scopes: must hold READ, WRITE or ADMIN',
  );
});

test("the demo's client sends its key with requests, subscriptions and downloads", async () => {
  const client = createGraphqlClient(server.url, new AbortController().signal, reader.secret);
  const asked = operation<{ viewer: { name: string } }, object>('{ viewer { name } }');
  expect(await client.request(asked, {})).toEqual({ viewer: { name: 'a READ key' } });
  for await (const result of client.subscribe(asked, {})) expect(result).toEqual({ viewer: { name: 'a READ key' } });
  expect((await client.download('/metrics')).length).toBeGreaterThan(100);
  await client.close();
  const without = createGraphqlClient(server.url, new AbortController().signal, undefined);
  await expect(without.request(asked, {})).rejects.toThrow('The server answers: This needs an API key');
  await without.close();
});
