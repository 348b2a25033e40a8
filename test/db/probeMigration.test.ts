/** Memory probes of one network, from before probes had targets, are still there with all they found. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { migrationNames, migrationsFolder } from '../../src/db/migrationFiles.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';

const names = migrationNames();
const migration = names.find((name) => name.endsWith('_memory_probe_targets'))!;

test('a probe of one network becomes a probe with one target', async () => {
  const url = await createTestDatabase({ migrated: false });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await dropTestDatabase(url);
  });
  const apply = (name: string) =>
    client.query(readFileSync(path.join(migrationsFolder, name, 'migration.sql'), 'utf8'));
  for (const name of names.filter((name) => name < migration)) await apply(name);

  const config = { accumulation: 2, itemTransform: { size: { height: 64, width: 48 }, method: 'CROP' } };
  await client.query(`insert into experiment (id, name, metric, direction) values ('exp', 'e', 'm', 'ASC')`);
  const insertRun = `insert into run (id, name, kind, status, experiment_id, config, architecture, current_attempt)
                     values ($1, $1, $2, 'SUCCEEDED', 'exp', $3, 'convnext_atto', 1)`;
  const insertAttempt = `insert into attempt (run_id, number, status, engine, device) values ($1, 1, 'SUCCEEDED', 'onnxruntime', 'a CPU')`;
  for (const [id, kind] of [
    ['trained', 'TRAINED'],
    ['probing', 'MEMORY_PROBE'],
  ]) {
    await client.query(insertRun, [id, kind, config]);
    await client.query(insertAttempt, [id]);
  }
  await client.query(
    `insert into memory_probe (id, run_id, architecture, height, width, precision, effective_batch_size, budget, recommendation)
     values ('prb', 'probing', 'convnext_atto', 32, 24, 'AUTO', 16, 1000, 2)`,
  );
  await client.query(
    `insert into probe_trial (probe_id, accumulation, micro_batch_size, peak_memory, outcome)
     values ('prb', 1, 16, 1001, 'OVER_BUDGET'), ('prb', 2, 8, 999, 'FITS')`,
  );

  await apply(migration);
  const rows = async (sql: string) => (await client.query(sql)).rows;
  expect(await rows('select * from memory_probe')).toMatchObject([
    {
      ...{ id: 'prb', effective_batch_size: 16, budget: '1000', engine: 'onnxruntime', device: 'a CPU' },
      ...{ refresh: false, equivalence: false },
    },
  ]);
  expect(await rows('select * from probe_target')).toMatchObject([
    {
      ...{ probe_id: 'prb', position: 0, architecture: 'convnext_atto', height: 32, width: 24, precision: 'AUTO' },
      ...{ item_transform: config.itemTransform, recommendation: 2, failure_code: null },
    },
  ]);
  expect(await rows('select position, accumulation, outcome, cached from probe_trial order by accumulation')).toEqual([
    { position: 0, accumulation: 1, outcome: 'OVER_BUDGET', cached: false },
    { position: 0, accumulation: 2, outcome: 'FITS', cached: false },
  ]);
  expect(await rows('select run_id, accumulation from attempt order by run_id')).toEqual([
    { run_id: 'probing', accumulation: null },
    { run_id: 'trained', accumulation: 2 },
  ]);
});
