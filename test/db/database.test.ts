import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { withDatabase } from '../../src/db/connection.ts';
import { openDatabase } from '../../src/db/database.ts';
import { startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';
import { StartupError } from '../../src/errors.ts';
import { testDatabase, testServer } from '../support/database.ts';

async function failureOf(url: string): Promise<StartupError> {
  const failure = await openDatabase(url).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(StartupError);
  return failure as StartupError;
}

test('Prisma and raw SQL see the same migrated database', async () => {
  const db = await testDatabase();
  await db.prisma.experiment.create({
    data: { id: 'exp_1', name: 'leaves', metric: 'valid/error_rate', direction: 'ASC' },
  });
  const { rows } = await db.pool.query('select name, direction from experiment');
  expect(rows).toEqual([{ name: 'leaves', direction: 'ASC' }]);
});

test('databases of two tests are apart', async () => {
  const [a, b] = [await testDatabase(), await testDatabase()];
  await a.pool.query(`insert into metric_name (name) values ('valid/error_rate')`);
  expect((await b.pool.query('select from metric_name')).rowCount).toBe(0);
});

test('a schema in the URL holds for Prisma and for raw SQL', async () => {
  const db = await testDatabase();
  await db.pool.query('create schema other');
  await db.pool.query('create table other.metric_name (like public.metric_name including all)');
  const url = new URL(db.url);
  url.searchParams.set('schema', 'other');
  const other = await openDatabase(url.href);
  await other.prisma.metricName.create({ data: { id: 1, name: 'through prisma' } });
  expect((await other.pool.query('select name from metric_name')).rows).toEqual([{ name: 'through prisma' }]);
  expect((await db.pool.query('select from metric_name')).rowCount).toBe(0);
  await other.close();
});

test('a connection that breaks while idle is replaced', async () => {
  const db = await testDatabase();
  await db.pool.query('select 1');
  const admin = new pg.Client({ connectionString: await testServer() });
  await admin.connect();
  const name = new URL(db.url).pathname.slice(1);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  await admin.end();
  await expect.poll(() => db.pool.totalCount).toBe(0);
  expect(await db.prisma.run.count()).toBe(0);
});

test('nothing listens: the address and what to do', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { message } = await failureOf(`postgresql://app:secret@127.0.0.1:${port}/app`);
  expect(message).toBe(
    `DATABASE_URL: no PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it or correct host and port`,
  );
});

test('an unknown host: its name', async () => {
  const { message } = await failureOf('postgresql://app:secret@no-such-host.invalid/app');
  expect(message).toMatch(/^DATABASE_URL: the host no-such-host\.invalid:5432 is not known/);
});

test('a missing database: its name and how to create it', async () => {
  const { message } = await failureOf(withDatabase(await testServer(), 'no_such'));
  expect(message).toMatch(/^DATABASE_URL: PostgreSQL at .* has no database "no_such"; create it \(createdb no_such\)/);
});

test('a wrong password: the user, never the password', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-auth-'));
  const postgres = await startEmbeddedPostgres(home, { settings: { fsync: 'off' } });
  try {
    const admin = await openDatabase(postgres.url);
    await admin.pool.query(`create role app login password 'right'`);
    await writeFile(
      path.join(home, 'postgres', 'pg_hba.conf'),
      'local all rungraph trust\nlocal all all scram-sha-256\n',
    );
    await admin.pool.query('select pg_reload_conf()');
    await admin.close();
    const url = new URL(postgres.url);
    url.username = 'app';
    url.password = 'wr%40ng';
    await expect.poll(() => openDatabase(url.href).then((db) => db.close(), String)).toMatch(/DATABASE_URL/);
    const { message } = await failureOf(url.href);
    expect(message).toMatch(/^DATABASE_URL: PostgreSQL at .* refuses user "app": password authentication failed/);
    expect(message).not.toMatch(/wr(%40|@)ng/);
  } finally {
    await postgres.stop();
    await rm(home, { recursive: true });
  }
});

test('something that is no URL', async () => {
  const { message } = await failureOf('postgresql://app:p#ss@@:x/');
  expect(message).toMatch(/^DATABASE_URL is not a URL/);
});
