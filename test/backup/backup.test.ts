import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { extract, pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { BackupContents } from '../../src/backup/format.ts';
import { restoreBackup, verifyBackup } from '../../src/backup/restore.ts';
import { writeBackup } from '../../src/backup/writeBackup.ts';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { revokeApiKey } from '../../src/commands/apiKey.ts';
import { cleanUp } from '../../src/commands/housekeeping.ts';
import { deleteRun } from '../../src/commands/run.ts';
import { openSession } from '../../src/commands/session.ts';
import { migrate } from '../../src/db/migrate.ts';
import { migrationNames } from '../../src/db/migrationFiles.ts';
import { createRandom } from '../../src/domain/random.ts';
import { insertArtifact } from '../../src/store/artifact.ts';
import { lockForBackup } from '../../src/store/blobLock.ts';
import { appendEvents } from '../../src/store/event.ts';
import { keyWith } from '../api/authFixtures.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { spawnTypeScript } from '../support/processes.ts';
import { dumpTables, loadTables, readReleased } from '../support/releasedRows.ts';
import { usualRetention as policy } from '../support/retention.ts';

let ctx: TestContext;
let folder: string;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await experimentOf(ctx.db.prisma, null);
  for (let i = 0; i < 3; i++) await runWithWeights(randomBytes(100_000));
  await runWithWeights(Buffer.alloc(0));
});
afterAll(() => ctx.close());
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-backup-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A run that left these bytes; returns its id. */
async function runWithWeights(content: Buffer): Promise<string> {
  const runId = await testRun(ctx.db.prisma, experimentId, { name: `\t\\N "it's" \n ${content.length}` });
  const { hash: contentHash, size } = await ctx.blobs.put(content);
  const artifact = { id: testId('artifact'), runId, name: 'weights.safetensors', kind: 'WEIGHTS', size } as const;
  await insertArtifact(ctx.db.prisma, { ...artifact, contentHash, createdAt: new Date() });
  return runId;
}

const back = (url = ctx.url, blobs = ctx.blobs, name = 'backup.tar') =>
  writeBackup({ url, blobs, file: path.join(folder, name), now: new Date() });

async function emptyDatabase({ migrated }: { migrated: boolean }): Promise<string> {
  const url = await createTestDatabase({ migrated });
  onTestFinished(() => dropTestDatabase(url));
  return url;
}

async function restored(file: string, url: string) {
  const blobs = createLocalStore(path.join(folder, 'blobs'));
  const { header } = await verifyBackup(file);
  await restoreBackup({ url, blobs, file }, header);
  return blobs;
}

async function query(url: string, sql: string) {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** But for the numbers of transactions, which belong to their cluster. */
async function rowsOf(url: string) {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const tables = await dumpTables(client);
    tables.delete('restore_in_progress');
    for (const row of tables.get('run_event') ?? []) Reflect.deleteProperty(row, 'transaction_id');
    return tables;
  } finally {
    await client.end();
  }
}

const isStartupError = (pattern: RegExp) => ({ name: 'StartupError', message: expect.stringMatching(pattern) });

test('what is restored is what was there: every row of every table, every blob', async () => {
  // Rows of every table there is: those that an earlier version left, and ours.
  const source = await emptyDatabase({ migrated: false });
  const file = (await readdir('test/db/released')).sort().at(-1)!;
  const released = readReleased(path.join('test/db/released', file));
  const names = migrationNames();
  await migrate(source, names.slice(0, names.indexOf(released.schema) + 1));
  const client = new pg.Client(source);
  await client.connect();
  await loadTables(client, released.tables);
  const { rows: named } = await client.query<{ hash: string }>(
    'select content_hash as hash from artifact union select content_hash from submission',
  );
  // The bytes of that version's blobs are not kept: others take their places.
  const blobs = createLocalStore(path.join(folder, 'source blobs'));
  for (const [i, { hash }] of named.entries()) {
    const stored = await blobs.put(Buffer.from(`blob ${i}`));
    for (const table of ['artifact', 'submission'])
      await client.query(`update ${table} set content_hash = $1 where content_hash = $2`, [stored.hash, hash]);
  }
  await client.end();
  await migrate(source);

  const contents = await back(source, blobs);
  const target = await emptyDatabase({ migrated: false });
  const copies = await restored(path.join(folder, 'backup.tar'), target);
  expect(await rowsOf(target)).toEqual(await rowsOf(source));
  const tables = await query(source, `select tablename as name from pg_tables where schemaname = 'public' order by 1`);
  expect(['_prisma_migrations', 'session', ...contents.tables.map(({ name }) => name)].sort()).toEqual(
    tables.map(({ name }) => name).sort(),
  );
  expect(contents.blobs.length).toBe(named.length);
  for (const { hash } of contents.blobs) {
    expect(
      createHash('sha256')
        .update(await buffer(copies.open(hash)))
        .digest('hex'),
    ).toBe(hash);
  }
  // Numbers go on behind the restored ones.
  const [{ id }] = await query(target, `insert into metric_name (name) values ('new') returning id`);
  const [{ last }] = await query(source, 'select max(id) as last from metric_name');
  expect(id).toBe(last + 1);
  expect((await back(target, copies, 'second.tar')).blobs).toEqual(contents.blobs);
});

test('keys come back as they were, and nobody is logged in', async () => {
  const [kept, revoked] = [await keyWith(ctx, 'ADMIN'), await keyWith(ctx, 'READ')];
  await openSession(ctx, kept.id, undefined);
  await back();
  await revokeApiKey(ctx, revoked.id);
  const target = await emptyDatabase({ migrated: false });
  await restored(path.join(folder, 'backup.tar'), target);
  expect(await query(target, 'select id from api_key where revoked_at is null order by created_at, id')).toEqual([
    { id: kept.id },
    { id: revoked.id },
  ]);
  expect(await query(target, 'select id from session')).toEqual([]);
  expect(await readFile(path.join(folder, 'backup.tar'), 'latin1')).not.toContain('tables/session/');
  expect((await stat(path.join(folder, 'backup.tar'))).mode & 0o777).toBe(0o600);
});

test('is one moment of a database that is written to', async () => {
  const runId = await testRun(ctx.db.prisma, experimentId, { name: 'busy' });
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      await ctx.db.prisma.$transaction((tx) =>
        appendEvents(tx, runId, [{ kind: 'LOG', line: `line ${i}`, stream: 'stdout' }], new Date()),
      );
      if (i % 5 === 0) await runWithWeights(Buffer.from(`written meanwhile ${i}`));
    }
  })();
  for (let i = 0; i < 3; i++) {
    await back(ctx.url, ctx.blobs, `${i}.tar`);
    const target = await emptyDatabase({ migrated: false });
    const blobs = await restored(path.join(folder, `${i}.tar`), target);
    const [run] = await query(
      target,
      `select event_seq::int as given, (select count(*)::int from run_event e where e.run_id = r.id) as there
       from run r where name = 'busy'`,
    );
    expect(run.there).toBe(run.given);
    const named = await query(target, 'select content_hash as hash from artifact');
    for (const { hash } of named) expect(await blobs.has(hash)).toBe(true);
  }
  writing = false;
  await writer;
  expect((await query(ctx.url, `select event_seq::int as seq from run where id = '${runId}'`))[0].seq).toBeGreaterThan(
    0,
  );
});

test('what a backup names stays until it is made', async () => {
  const runId = await runWithWeights(Buffer.from('deleted while a backup is made'));
  const [{ hash }] = await query(ctx.url, `select content_hash as hash from artifact where run_id = '${runId}'`);
  const client = new pg.Client(ctx.url);
  await client.connect();
  expect(await lockForBackup(client)).toBe(true);
  await deleteRun(ctx, runId);
  expect(await cleanUp(ctx, { policy, grace: -1000 })).toMatchObject({ blobs: 0 });
  expect(await ctx.blobs.has(hash)).toBe(true);
  await client.end();
  await expect.poll(async () => (await cleanUp(ctx, { policy, grace: -1000 }))?.blobs).toBeGreaterThan(0);
  expect(await ctx.blobs.has(hash)).toBe(false);
});

describe('a file that is not what was written', () => {
  let whole: string;
  let contents: BackupContents;
  beforeEach(async () => {
    contents = await back();
    whole = path.join(folder, 'backup.tar');
  });

  test('is refused wherever it was cut off', async () => {
    const { size } = await stat(whole);
    const random = createRandom(1, 'cuts');
    // The end of a tar are 1024 zero bytes, which nothing is lost with.
    const cuts = [0, 1, 511, 512, 700, size - 1025, ...Array.from({ length: 25 }, () => random.integer(size - 1024))];
    for (const cut of cuts) {
      const file = path.join(folder, 'cut.tar');
      await copyFile(whole, file);
      await truncate(file, cut);
      await expect(verifyBackup(file), `cut at ${cut} of ${size}`).rejects.toMatchObject(
        isStartupError(/cut\.tar is not a whole backup/),
      );
    }
  });

  test('is refused, or has everything, whichever byte was changed', async () => {
    const bytes = await readFile(whole);
    const random = createRandom(2, 'changes');
    let refused = 0;
    for (let i = 0; i < 120; i++) {
      const at = random.integer(bytes.length);
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << random.integer(8);
      const file = path.join(folder, 'changed.tar');
      await writeFile(file, changed);
      const result = await verifyBackup(file).catch((error: unknown) => error);
      if (result instanceof Error) {
        expect(result, `byte ${at}`).toMatchObject(isStartupError(/changed\.tar is not a whole backup/));
        refused++;
      } else {
        // Of the padding between entries, say.
        expect(result, `byte ${at}`).toMatchObject({ contents });
      }
    }
    expect(refused).toBeGreaterThan(80);
  });

  test('is refused by what is wrong with it', async () => {
    const without = async (left: (name: string) => boolean, edit = (_name: string, bytes: Buffer) => bytes) => {
      const file = path.join(folder, 'other.tar');
      const tar = pack();
      const written = buffer(tar);
      const source = extract();
      createReadStream(whole).pipe(source);
      for await (const entry of source) {
        const bytes = await buffer(entry);
        const { name } = entry.header;
        if (left(name)) continue;
        tar.entry({ name }, edit(name, bytes));
      }
      tar.finalize();
      await writeFile(file, await written);
      return verifyBackup(file).catch((error: Error) => error.message);
    };
    const blob = contents.blobs.find(({ size }) => size > 0)!.hash;
    expect(await without(() => false)).toMatchObject({ contents });
    expect(await without((name) => name === `blobs/${blob}`)).toContain(`blobs/${blob} is missing`);
    expect(await without((name) => name === 'tables/artifact/000000.copy.gz')).toContain(
      'table artifact has 0 of 1 parts',
    );
    expect(await without((name) => name === 'contents.json')).toContain('it ends early');
    expect(await without((name) => name === 'rungraph-backup.json')).toContain(
      'does not begin with rungraph-backup.json',
    );
    const spoil = (wanted: string) => (name: string, bytes: Buffer) => {
      if (name === wanted) bytes[bytes.length >> 1]! ^= 1;
      return bytes;
    };
    expect(await without(() => false, spoil(`blobs/${blob}`))).toContain(`blobs/${blob} is damaged`);
    expect(await without(() => false, spoil('tables/run/000000.copy.gz'))).toMatch(/tables?.run.* is damaged/);
    const newer = (name: string, bytes: Buffer) =>
      name === 'rungraph-backup.json'
        ? Buffer.from(bytes.toString().replace('"migrations":[', '"migrations":["29990101000000_future",'))
        : bytes;
    expect(await without(() => false, newer)).toMatch(/made by a newer Rungraph .*29990101000000_future/);
  });
});

test('of an older database it is brought forward', async () => {
  const names = migrationNames();
  const old = await emptyDatabase({ migrated: false });
  await migrate(old, names.slice(0, 1));
  await query(
    old,
    `insert into experiment (id, name, metric, direction) values ('exp_old', 'old', 'valid/loss', 'ASC')`,
  );
  await back(old);
  const target = await emptyDatabase({ migrated: false });
  await restored(path.join(folder, 'backup.tar'), target);
  expect(await query(target, 'select id, quota_bytes from experiment')).toEqual([{ id: 'exp_old', quota_bytes: null }]);
  expect(await migrate(target)).toEqual([]);
  // Tables that are newer cannot take its rows, even while they are empty.
  const newer = await emptyDatabase({ migrated: true });
  await expect(restored(path.join(folder, 'backup.tar'), newer)).rejects.toMatchObject(
    isStartupError(/tables are newer than those of the backup/),
  );
});

test('is not restored over rows, and leaves them', async () => {
  await back();
  const target = await emptyDatabase({ migrated: true });
  await query(
    target,
    `insert into experiment (id, name, metric, direction) values ('exp_mine', 'mine', 'valid/loss', 'ASC')`,
  );
  const before = await rowsOf(target);
  await expect(restored(path.join(folder, 'backup.tar'), target)).rejects.toMatchObject(
    isStartupError(/has rows already \(in experiment\)/),
  );
  expect(await rowsOf(target)).toEqual(before);
});

test('a restore that is killed anywhere leaves an empty database or a whole one', async () => {
  for (let i = 0; i < 4; i++) await runWithWeights(randomBytes(3_000_000));
  await back();
  const expected = await rowsOf(ctx.url);
  const target = await emptyDatabase({ migrated: false });
  const home = path.join(folder, 'home');
  const restore = () =>
    spawnTypeScript('src/bin/cli.ts', ['restore', path.join(folder, 'backup.tar')], {
      ...{ DATABASE_URL: target, RUNGRAPH_HOME: home, RUNGRAPH_LOG: 'warn' },
    });
  const random = createRandom(3, 'kills');
  for (let i = 0; i < 3; i++) {
    const process = restore();
    // What it writes tells where it is; the rest is chance.
    const stage = async () => {
      const [{ n }] = await query(target, `select count(*)::int as n from pg_tables where schemaname = 'public'`);
      const blobs = await readdir(path.join(home, 'blobs')).catch(() => []);
      return n + blobs.length;
    };
    const until = [1, 29, 40][i]! + random.integer(2);
    let ended = false;
    void process.finished.then(() => {
      ended = true;
    });
    while (!ended && (await stage()) < until);
    process.child.kill('SIGKILL');
    await process.finished;
    const rows = await rowsOf(target);
    if (rows.size) expect(rows).toEqual(expected);
  }
  const last = await restore().finished;
  if (last.status !== 0) expect(last.stderr).toContain('has rows already');
  expect((await rowsOf(target)).get('artifact')).toEqual(expected.get('artifact'));
});

test('refuses a file that is there, a folder that is not, and an empty database', async () => {
  await writeFile(path.join(folder, 'mine.tar'), 'mine');
  await expect(back(ctx.url, ctx.blobs, 'mine.tar')).rejects.toMatchObject(
    isStartupError(/mine\.tar is there already/),
  );
  expect(await readFile(path.join(folder, 'mine.tar'), 'utf8')).toBe('mine');
  await expect(back(ctx.url, ctx.blobs, 'none/backup.tar')).rejects.toMatchObject(
    isStartupError(/There is no folder .*none/),
  );
  const empty = await emptyDatabase({ migrated: false });
  await expect(back(empty)).rejects.toMatchObject(isStartupError(/nothing to back up/));
  expect(await readdir(folder)).toEqual(['mine.tar']);
});

test('names a blob that is missing or damaged, and leaves no file', async () => {
  const runId = await runWithWeights(Buffer.from('about to be damaged'));
  const [{ hash }] = await query(ctx.url, `select content_hash as hash from artifact where run_id = '${runId}'`);
  await writeFile(await ctx.blobs.local(hash), 'about to be DAMAGED');
  await expect(back()).rejects.toMatchObject(isStartupError(new RegExp(`blob ${hash} is damaged`)));
  await ctx.blobs.delete(hash);
  await expect(back()).rejects.toMatchObject(
    isStartupError(new RegExp(`blob ${hash}, which artifact art_\\w+ needs, is missing`)),
  );
  expect(await readdir(folder)).toEqual([]);
  await deleteRun(ctx, runId);
});
