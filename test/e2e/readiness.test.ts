/** Readiness of a real server on a PostgreSQL that comes and goes. */

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';
import { freePort } from '../support/freePort.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { clientOf } from '../support/serverProcess.ts';

const patience = { timeout: 60_000, interval: 50 };
let folder: string;
let postgres: EmbeddedPostgres;
let server: RunningProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-ready-'));
  postgres = await startEmbeddedPostgres(folder, { settings: { fsync: 'off' } });
});
afterAll(async () => {
  server?.child.kill('SIGKILL');
  await server?.finished;
  await postgres.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

async function query(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

test('readyz tells the truth from the start to the end, and healthz that the process lives', async () => {
  // Another process migrates: the lock of src/db/migrate.ts.
  const migrating = new pg.Client({ connectionString: postgres.url });
  await migrating.connect();
  await migrating.query('select pg_advisory_lock($1)', [0x72756e67]);

  const port = await freePort();
  const blobs = path.join(folder, 'blobs');
  server = spawnTypeScript('src/bin/server.ts', [], {
    ...{ DATABASE_URL: postgres.url, RUNGRAPH_HOME: path.join(folder, 'home'), RUNGRAPH_BLOBS: blobs },
    ...{ PORT: String(port), RUNGRAPH_LOG: 'info', RUNGRAPH_DRAIN_DELAY: '600' },
  });
  const { url, ready, ask } = clientOf(`http://127.0.0.1:${port}`);
  const lives = async () => (await fetch(`${url}/healthz`)).status;
  const fine = { status: 200, checks: expect.objectContaining({ database: 'ok' }) };

  await expect.poll(ready, patience).toEqual({ status: 503, checks: { starting: 'this process is starting' } });
  expect(await lives()).toBe(200);
  expect((await fetch(`${url}/graphql`)).status).toBe(503);
  await migrating.end();
  await expect.poll(ready, patience).toEqual(fine);

  await postgres.stop();
  await expect.poll(ready, patience).toEqual({
    status: 503,
    checks: {
      database: 'PostgreSQL does not answer',
      migrations: 'cannot be told',
      queue: 'the tables of the job queue cannot be read',
      listener: 'the connection that listens for notifications is away',
      ...{ blobs: 'ok', draining: 'ok' },
    },
  });
  expect(await lives()).toBe(200);
  expect((await fetch(`${url}/submissions/sub_1.csv`)).status).toBe(503);
  postgres = await startEmbeddedPostgres(folder, { settings: { fsync: 'off' } });
  await expect.poll(ready, patience).toEqual(fine);
  expect(await ask('{ experiments { nodes { id } } }')).toEqual({ experiments: { nodes: [] } });

  await rename(blobs, `${blobs}.away`);
  await writeFile(blobs, 'not a folder');
  await expect.poll(ready, patience).toEqual({
    status: 503,
    checks: expect.objectContaining({ database: 'ok', blobs: expect.stringMatching(/^nothing can be stored: E/) }),
  });
  await rm(blobs);
  await rename(`${blobs}.away`, blobs);
  await expect.poll(ready, patience).toEqual(fine);

  await query(`insert into _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
               values ('future', '', now(), '99990101000000_future', now(), 1)`);
  await expect.poll(ready, patience).toMatchObject({
    status: 503,
    checks: { migrations: expect.stringContaining('99990101000000_future') },
  });
  await query(`delete from _prisma_migrations where id = 'future'`);
  await expect.poll(ready, patience).toEqual(fine);

  // Told to stop it lets load balancers see that first, and serves meanwhile.
  server.child.kill('SIGTERM');
  await expect.poll(ready, patience).toEqual({
    status: 503,
    checks: expect.objectContaining({ database: 'ok', draining: 'this process is about to end' }),
  });
  expect(await lives()).toBe(200);
  expect(await ask('{ experiments { nodes { id } } }')).toEqual({ experiments: { nodes: [] } });
  // The second signal ends it at once.
  server.child.kill('SIGTERM');
  expect((await server.finished).status).toBe(143);
}, 300_000);
