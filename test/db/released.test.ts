/** Databases of released schemas, with runs in the hands of workers that are no more: brought to this version by its server and used. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { requireMigrated } from '../../src/db/migrate.ts';
import { migrationNames, migrationsFolder } from '../../src/db/migrationFiles.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { type Batch, follow } from '../api/follow.ts';
import { silent } from '../support/commandContext.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { dumpTables, loadJobs, loadTables, type ReleasedRows, readReleased } from '../support/releasedRows.ts';
import { startServerProcess } from '../support/serverProcess.ts';
import { scriptedTrainer } from '../support/worker.ts';

const folder = path.join(import.meta.dirname, 'released');
const patience = { timeout: 60_000, interval: 50 };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A database with the migrations up to one of them, recorded as Prisma does. */
async function databaseOf(schema: string): Promise<{ url: string; client: pg.Client }> {
  const url = await createTestDatabase({ migrated: false });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  cleanups.push(() => dropTestDatabase(url));
  cleanups.push(() => client.end());
  await client.query(`create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null,
    finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
    started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`);
  for (const name of migrationNames().filter((name) => name <= schema)) {
    const sql = readFileSync(path.join(migrationsFolder, name, 'migration.sql'), 'utf8');
    await client.query(sql);
    const checksum = createHash('sha256').update(sql).digest('hex');
    await client.query(
      `insert into _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
       values (gen_random_uuid(), $1, now(), $2, 1)`,
      [checksum, name],
    );
  }
  return { url, client };
}

/** That database with what a version has left in it. */
async function releasedDatabase(released: ReleasedRows): Promise<{ url: string; client: pg.Client }> {
  const database = await databaseOf(released.schema);
  await loadTables(database.client, released.tables);
  const queue = await openQueue(database.url, { consumes: false, log: silent });
  await queue.close();
  await loadJobs(database.client, released.jobs);
  return database;
}

function start(program: string, env: Record<string, string>): RunningProcess {
  const running = spawnTypeScript(program, [], env);
  cleanups.push(async () => {
    running.child.kill('SIGKILL');
    await running.finished;
  });
  return running;
}

const files = readdirSync(folder).sort();

test('there are rows of the first schema and of later ones, which only know migrations of ours', () => {
  const schemas = files.map((file) => readReleased(path.join(folder, file)).schema);
  expect(files).toEqual(schemas.map((schema) => `${schema}.jsonl`));
  expect(schemas[0]).toBe(migrationNames()[0]);
  expect(migrationNames()).toEqual(expect.arrayContaining(schemas));
});

test.each(files)('%s: migrated, finished by a worker of this version, read and written', async (file) => {
  const released = readReleased(path.join(folder, file));
  const { running, canceling, queued, canceled, failed, left, experimentId, members, sweepId, probe, ensembleId } =
    released.ids;
  const { url, client } = await releasedDatabase(released);
  await expect(requireMigrated(url)).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringMatching(/^The database lacks \d{14}_.*start a Rungraph server of this worker's version/),
  });

  const home = mkdtempSync(path.join(os.tmpdir(), 'rungraph-released-'));
  cleanups.push(() => rmSync(home, { recursive: true, force: true, maxRetries: 10 }));
  const env = { DATABASE_URL: url, RUNGRAPH_HOME: home, DEVICE: 'cpu', RUNGRAPH_LOG: 'info' };
  const server = await startServerProcess(env);
  cleanups.push(async () => {
    server.child.kill('SIGKILL');
    await server.finished;
  });
  expect(server.output()).toContain('the database was migrated');
  await requireMigrated(url);
  const worker = start('test/support/workerProcess.ts', { ...env, TRAINER_MODULE: scriptedTrainer });
  await worker.until(/ready/);

  // What was there is there: on every noun, through the API.
  const read = await server.ask(
    `query ($experimentId: ID!, $sweepId: ID!, $probe: ID!, $ensembleId: ID!, $left: ID!, $first: ID!) {
      experiment(id: $experimentId) {
        name dataset { trainCount testCount vocab }
        leaderboard(first: 5) { edges { rank node { run { id } ensemble { id } } } }
      }
      sweep: node(id: $sweepId) { ... on Sweep { status runs { nodes { id } } } }
      probe: node(id: $probe) { ... on MemoryProbe { targets { recommendation trials { accumulation peakMemory outcome } } } }
      ensemble: node(id: $ensembleId) { ... on Ensemble { members { weight run { id } } submissions { rowCount message } } }
      left: run(id: $left) { artifacts { name size } }
      first: run(id: $first) {
        notes tags metrics { name count } epochs { index errorRate } predictions { rowCount } attempts { number status }
      }
    }`,
    { experimentId, sweepId, probe, ensembleId, left, first: members[0] },
  );
  expect(read).toMatchObject({
    experiment: { dataset: { trainCount: 38, testCount: 2, vocab: ['blast', 'normal', 'tungro'] } },
    sweep: { status: 'SUCCEEDED', runs: { nodes: members.map((id) => ({ id })) } },
    probe: {
      targets: [
        {
          recommendation: 2,
          trials: [
            { accumulation: 1, outcome: 'OVER_BUDGET' },
            { accumulation: 2, outcome: 'FITS' },
          ],
        },
      ],
    },
    ensemble: {
      members: members.map((id) => ({ weight: 1, run: { id } })),
      submissions: [{ rowCount: 2, message: 'the first' }],
    },
    left: { artifacts: [{ name: 'weights.safetensors', size: 'some weights'.length }] },
    first: {
      ...{ notes: 'the best so far', tags: ['kept'], predictions: [{ rowCount: 2 }] },
      epochs: [{ index: 0 }, { index: 1 }],
      attempts: [{ number: 1, status: 'SUCCEEDED' }],
    },
  });

  // What was in flight ends as it should, and a subscriber that starts over sees all of it, before and after.
  const socket = createClient({ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
  cleanups.push(() => socket.dispose());
  const watched = follow<Batch>(
    socket,
    'subscription ($id: ID!) { runEvents(runId: $id) { cursor events { __typename cursor ... on RunStatusChanged { status } } } }',
    { id: running },
  );
  const statusOf = async (id: string | undefined) =>
    (await server.ask('query ($id: ID!) { run(id: $id) { status } }', { id })).run.status;
  await expect.poll(() => statusOf(canceling), patience).toBe('CANCELED');
  await expect.poll(() => statusOf(running), patience).toBe('SUCCEEDED');
  await expect.poll(() => statusOf(queued), patience).toBe('SUCCEEDED');
  expect(await Promise.all([failed, canceled].map(statusOf))).toEqual(['FAILED', 'CANCELED']);
  await watched.ended;
  const states = watched.values.flatMap(({ events }) =>
    events.flatMap((event) => (event as { status?: string }).status ?? []),
  );
  expect(states).toEqual(['QUEUED', 'RUNNING', 'QUEUED', 'RUNNING', 'SUCCEEDED']);

  // And it goes on: writes on old rows and new ones.
  const { startRun, updateRun } = await server.ask(
    `mutation ($experimentId: ID!, $first: ID!) {
      startRun(input: { experimentId: $experimentId, config: {
        architecture: "convnext_atto", pretrained: false, effectiveBatchSize: 4, weightsUri: "succeed", epochs: 1
        itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 }
      } }) { run { id } userErrors { message } }
      updateRun(input: { id: $first, notes: "still" }) { run { notes } userErrors { message } }
    }`,
    { experimentId, first: members[0] },
  );
  expect([startRun.userErrors, updateRun]).toEqual([[], { run: { notes: 'still' }, userErrors: [] }]);
  await expect.poll(() => statusOf(startRun.run.id), patience).toBe('SUCCEEDED');

  // What it is now can become such a file.
  const now = await dumpTables(client);
  const copy = await databaseOf(migrationNames().at(-1)!);
  await loadTables(copy.client, now);
  expect(await dumpTables(copy.client)).toEqual(now);
});
