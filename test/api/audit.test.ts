import type { GraphQLFieldResolver } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audited, idsIn } from '../../src/commands/audit.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import { deleteAuditEntries } from '../../src/store/audit.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { keyWith, logIn, openSocket, type TestKey } from './authFixtures.ts';

let server: ApiServer;
let writer: TestKey;
let reader: TestKey;
let admin: TestKey;
beforeAll(async () => {
  server = await apiServer({ access: { authenticated: true } });
  reader = await keyWith(server.context, 'READ');
  writer = await keyWith(server.context, 'WRITE');
  admin = await keyWith(server.context, 'ADMIN');
});
afterAll(() => server.close());

const create =
  'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } userErrors { code } } }';
const log = `query ($first: Int, $after: String) { auditLog(first: $first, after: $after) {
  nodes { id at actor keyId requestId operation ids outcome codes address } pageInfo { hasNextPage endCursor } } }`;

/** The newest entries, newest first. */
async function newest(first = 1) {
  return (await server.ask(log, { first }, admin.bearer)).auditLog.nodes;
}

describe('a mutation leaves', () => {
  test('who, what, which, from where, and that it succeeded', async () => {
    const { data, headers } = await server.send(create, { input: { name: 'audited' } }, writer.bearer);
    const { id } = data.createExperiment.experiment;
    expect(await newest()).toEqual([
      {
        ...{ id: expect.stringMatching(/^aud_/), at: expect.any(String), actor: 'a WRITE key', keyId: writer.id },
        ...{ requestId: headers.get('x-request-id'), operation: 'createExperiment', ids: [id] },
        ...{ outcome: 'SUCCEEDED', codes: [], address: '127.0.0.1' },
      },
    ]);
  });

  test('why it was refused', async () => {
    const answer = await server.ask(
      create,
      { input: { name: 'audited', datasetId: `ds_${'0'.repeat(26)}` } },
      writer.bearer,
    );
    expect(answer.createExperiment.userErrors).not.toEqual([]);
    const [entry] = await newest();
    expect(entry).toMatchObject({ outcome: 'REFUSED', codes: ['NOT_FOUND'], ids: [`ds_${'0'.repeat(26)}`] });
  });

  test('that its scope was missing, over HTTP and over a socket', async () => {
    await server.send(create, { input: { name: 'no' } }, reader.bearer);
    const refused = { actor: 'a READ key', operation: 'createExperiment', outcome: 'REFUSED', codes: ['FORBIDDEN'] };
    const [overHttp] = await newest();
    expect(overHttp).toMatchObject(refused);
    const socket = openSocket(server.url, { payload: reader.bearer });
    await socket.admitted;
    socket.send({ type: 'subscribe', id: '1', payload: { query: create, variables: { input: { name: 'no' } } } });
    await eventually(() => expect(socket.messages.length).toBe(2));
    socket.socket.close();
    const [overSocket, before] = await newest(2);
    expect(overSocket).toMatchObject(refused);
    expect(before.id).toBe(overHttp.id);
  });

  test('that it failed, with a request id that the log has too', async () => {
    const { pool } = server.context.db;
    await pool.query('alter table experiment rename to experiment_away');
    const { errors } = await server.send(create, { input: { name: 'bug' } }, writer.bearer);
    await pool.query('alter table experiment_away rename to experiment');
    const { requestId } = errors[0]!.extensions as { requestId: string };
    const [entry] = await newest();
    expect(entry).toMatchObject({ outcome: 'FAILED', codes: ['INTERNAL_SERVER_ERROR'], requestId });
    expect(server.logged.some((line) => line.requestId === requestId)).toBe(true);
  });

  test('of deleteSubmission, too, which needs WRITE', async () => {
    const remove = 'mutation ($id: ID!) { deleteSubmission(id: $id) { deletedId userErrors { code } } }';
    const id = `sub_${'0'.repeat(26)}`;
    const { errors } = await server.send(remove, { id }, reader.bearer);
    expect(errors[0]!.extensions).toMatchObject({ code: 'FORBIDDEN' });
    const answer = await server.ask(remove, { id }, writer.bearer);
    expect(answer.deleteSubmission).toEqual({ deletedId: null, userErrors: [{ code: 'NOT_FOUND' }] });
    const entry = { operation: 'deleteSubmission', ids: [id], outcome: 'REFUSED' };
    expect(await newest(2)).toMatchObject([
      { ...entry, codes: ['NOT_FOUND'], actor: 'a WRITE key' },
      { ...entry, codes: ['FORBIDDEN'], actor: 'a READ key' },
    ]);
  });

  test('one entry for each of several fields', async () => {
    const two = 'mutation { a: cancelRun(id: "run_a") { run { id } } b: deleteDataset(id: "ds_b") { deletedId } }';
    await server.ask(two, {}, writer.bearer);
    const [second, first] = await newest(2);
    expect([first.operation, second.operation]).toEqual(['cancelRun', 'deleteDataset']);
    expect(first.requestId).toBe(second.requestId);
  });
});

describe('while the disk of the database is full', () => {
  /** PostgreSQL refuses this, as it does without space. */
  async function full<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { pool } = server.context.db;
    await pool.query(`create function no_space() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      create trigger no_space before ${what} execute function no_space()`);
    try {
      return await work();
    } finally {
      await pool.query('drop function no_space cascade');
    }
  }

  test('no write begins, and says so as data', async () => {
    const before = await server.context.db.prisma.experiment.count();
    const answer = await full('insert on audit_entry', () =>
      server.ask(create, { input: { name: 'full' } }, writer.bearer),
    );
    expect(answer.createExperiment).toEqual({ experiment: null, userErrors: [{ code: 'UNAVAILABLE' }] });
    expect(await server.context.db.prisma.experiment.count()).toBe(before);
  });

  test('what was written is told, though its entry cannot be completed', async () => {
    const answer = await full('update on audit_entry', () =>
      server.ask(create, { input: { name: 'half' } }, writer.bearer),
    );
    expect(answer.createExperiment.experiment.id).toMatch(/^exp_/);
    expect(await newest()).toMatchObject([{ operation: 'createExperiment', outcome: 'STARTED' }]);
  });

  test('keys still let one in', async () => {
    const key = await keyWith(server.context, 'READ');
    const answer = await full('update on api_key', () => server.send('{ viewer { name } }', {}, key.bearer));
    expect(answer.status).toBe(200);
  });
});

test('no mutation runs unless its entry is written first', async () => {
  const mutations = Object.values(createSchema().getMutationType()!.getFields());
  expect(mutations.length).toBeGreaterThan(15);
  const touched: string[] = [];
  const untouchable = (name: string): unknown =>
    new Proxy(() => {}, {
      get: (_, key) => {
        if (key === 'then') return undefined;
        touched.push(`${name}.${String(key)}`);
        return untouchable(`${name}.${String(key)}`);
      },
      apply: () => {
        throw new Error(`called ${name}`);
      },
    });
  const prisma = {
    $transaction: async () => {
      throw new Error('the audit log is full');
    },
  };
  const commands = { db: { prisma }, now: () => new Date(), newId: () => 'aud_x' };
  const viewer = { name: 'x', scopes: [], keyId: null, sessionId: null };
  const context = {
    commands,
    viewer,
    requestId: 'r',
    address: 'a',
    db: untouchable('db'),
    loaders: untouchable('loaders'),
  };
  for (const { name, resolve } of mutations) {
    const call = (resolve as GraphQLFieldResolver<unknown, unknown>)(
      undefined,
      { id: 'x', input: {} },
      context,
      {} as never,
    );
    await expect(call, name).rejects.toThrow('the audit log is full');
  }
  expect(touched).toEqual([]);
});

test('an entry stands as STARTED while its write goes on', async () => {
  const asker = { actor: 'test', keyId: null, requestId: null, address: null };
  let finish = () => {};
  const write = audited(
    server.context,
    asker,
    { operation: 'slow', ids: [] },
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await eventually(async () => expect(await newest()).toMatchObject([{ operation: 'slow', outcome: 'STARTED' }]));
  finish();
  await write;
  expect(await newest()).toMatchObject([{ operation: 'slow', outcome: 'SUCCEEDED' }]);
});

test('logging in and out is there, failed logins are not: anybody could fill the log', async () => {
  const { cookie } = await logIn(server.url, admin.secret);
  await logIn(server.url, 'wrong');
  await fetch(`${server.url}/session`, { method: 'DELETE', headers: { cookie, origin: server.url } });
  const [out, into] = await newest(2);
  expect(into).toMatchObject({ operation: 'login', actor: 'a ADMIN key', ids: [admin.id], outcome: 'SUCCEEDED' });
  expect(out).toMatchObject({ operation: 'logout', actor: 'a ADMIN key', outcome: 'SUCCEEDED' });
});

test('entries name objects and hold nothing of the input, no secret either', async () => {
  const marker = 'a very private description';
  await server.ask(create, { input: { name: 'private', description: marker, idempotencyKey: marker } }, writer.bearer);
  const make = 'mutation { createApiKey(input: { name: "secretive", scopes: [READ] }) { apiKey { id } secret } }';
  const { createApiKey: made } = await server.ask(make, {}, admin.bearer);
  const [entry] = await newest();
  expect(entry).toMatchObject({ operation: 'createApiKey', ids: [made.apiKey.id] });
  const { rows } = await server.context.db.pool.query('select row_to_json(e)::text as row from audit_entry e');
  const all = rows.map(({ row }) => row).join('\n');
  for (const secret of [marker, made.secret, writer.secret, 'secretive']) expect(all).not.toContain(secret);
});

test('ids are found wherever they stand, at most a hundred of them', () => {
  const id = (n: number) => `run_${String(n).padStart(26, '0')}`;
  expect(idsIn({ a: id(1), b: [{ c: id(2) }, 'text'], d: { e: { f: id(1) } }, g: null })).toEqual([id(1), id(2)]);
  expect(idsIn(Array.from({ length: 1000 }, (_, i) => id(i))).length).toBe(100);
});

test('pages go on where they ended; retention forgets what is older, so much at a time', async () => {
  const first = await server.ask(log, { first: 3 }, admin.bearer);
  const second = await server.ask(log, { first: 3, after: first.auditLog.pageInfo.endCursor }, admin.bearer);
  const ids = [...first.auditLog.nodes, ...second.auditLog.nodes].map(({ id }) => id);
  expect(ids).toEqual((await newest(6)).map(({ id }: { id: string }) => id));
  const { prisma } = server.context.db;
  const count = await prisma.auditEntry.count();
  const long = new Date(Date.now() - 10 * 86_400_000);
  await prisma.auditEntry.updateMany({ where: { id: { in: ids.slice(0, 3) } }, data: { at: long } });
  const before = new Date(Date.now() - 9 * 86_400_000);
  expect(await deleteAuditEntries(prisma, before, 2)).toBe(2);
  expect(await deleteAuditEntries(prisma, before, 2)).toBe(1);
  expect(await deleteAuditEntries(prisma, before, 2)).toBe(0);
  expect(await prisma.auditEntry.count()).toBe(count - 3);
});
