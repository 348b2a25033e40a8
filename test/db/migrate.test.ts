import { readdir } from 'node:fs/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { MigrationAdapter } from '../../src/db/migrationAdapter.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { spawnTypeScript } from '../support/processes.ts';

async function emptyDatabase(): Promise<string> {
  const url = await createTestDatabase({ migrated: false });
  onTestFinished(() => dropTestDatabase(url));
  return url;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const all = (await readdir('prisma/migrations', { withFileTypes: true }))
  .filter((e) => e.isDirectory())
  .map((e) => e.name);

test('applies every migration once, recorded as Prisma does', async () => {
  const url = await emptyDatabase();
  expect(await migrate(url)).toEqual(all);
  expect(await migrate(url)).toEqual([]);
  const rows = await query(
    url,
    'select migration_name, finished_at, rolled_back_at from _prisma_migrations order by 1',
  );
  expect(rows).toEqual(
    all.map((name) => ({ migration_name: name, finished_at: expect.any(Date), rolled_back_at: null })),
  );
});

test('of several processes that start at once, one applies', async () => {
  const url = await emptyDatabase();
  const starters = Array.from({ length: 4 }, () => spawnTypeScript('test/support/bin/migrateOnce.ts', [url]));
  const finished = await Promise.all(starters.map((s) => s.finished));
  for (const { status, stderr } of finished) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const applied = finished.map(({ stdout }) => JSON.parse(stdout) as string[]);
  expect(applied.filter((names) => names.length)).toEqual([all]);
});

test('of processes that are killed while they migrate, the next goes on', async () => {
  const url = await emptyDatabase();
  const count = async () =>
    Number((await query(url, `select count(*) from pg_tables where schemaname = 'public'`))[0]!.count);
  let kills = 0;
  for (const tables of [1, 1, 2, 27]) {
    const process = spawnTypeScript('test/support/bin/migrateOnce.ts', [url]);
    let ended = false;
    void process.finished.then(() => {
      ended = true;
    });
    while (!ended && (await count()) < tables);
    if (!ended) kills++;
    process.child.kill('SIGKILL');
    await process.finished;
  }
  expect(kills).toBeGreaterThan(0);
  await migrate(url);
  const rows = await query(
    url,
    'select migration_name, finished_at is not null as finished, logs from _prisma_migrations order by 1',
  );
  expect(rows).toEqual(all.map((name) => ({ migration_name: name, finished: true, logs: null })));
});

test('a migration whose process was killed right before or after its script is neither lost nor repeated', async () => {
  const url = await emptyDatabase();
  await migrate(url, all.slice(0, -1));
  const begun = (name: string, logs: string) =>
    query(
      url,
      `insert into _prisma_migrations (id, checksum, migration_name, logs) values ('${name}', 'c', '${name}', ${logs})`,
    );
  await begun(all.at(-1)!, 'null');
  expect(await migrate(url)).toEqual([all.at(-1)]);
  await query(
    url,
    `update _prisma_migrations set finished_at = null, logs = 'applied by rungraph' where migration_name = '${all.at(-1)}'`,
  );
  expect(await migrate(url)).toEqual([]);
});

test('a migration that failed earlier stops the start with its name', async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await query(url, 'update _prisma_migrations set finished_at = null');
  await expect(migrate(url)).rejects.toThrow(new RegExp(`could not be migrated[\\s\\S]*${all[0]}`));
});

test('a database with other tables in it is left alone', async () => {
  const url = await emptyDatabase();
  await query(url, 'create table somebody_elses (id int)');
  await expect(migrate(url)).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringContaining('not empty'),
  });
  expect(
    await query(url, `select count(*)::int as count from pg_tables where schemaname = 'public' and tablename = 'run'`),
  ).toEqual([{ count: 0 }]);
});

test('for comparisons there is a database that is gone afterwards', async () => {
  const url = await emptyDatabase();
  const adapter = new MigrationAdapter(url);
  const shadows = async () =>
    (await query(url, `select datname from pg_database where datname like 'prisma_migrate_shadow_db_%'`)).map(
      ({ datname }) => datname,
    );
  const before = await shadows();
  const shadow = await adapter.connectToShadowDb();
  const { rows } = await shadow.queryRaw({ sql: 'select current_database()::text', args: [], argTypes: [] });
  expect(await shadows()).toContain(rows[0]![0]);
  expect(before).not.toContain(rows[0]![0]);
  await shadow.dispose();
  expect(await shadows()).not.toContain(rows[0]![0]);
  await adapter.close();
});
