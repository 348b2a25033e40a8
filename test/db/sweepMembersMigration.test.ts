import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { migrationNames, migrationsFolder } from '../../src/db/migrationFiles.ts';
import { listSweepRuns } from '../../src/store/sweep.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';

test('sweeps of a database from before there were members show the runs they queued, oldest first', async () => {
  const { prisma, pool } = await testDatabase();
  const experimentId = await experimentOf(prisma, null);
  const [first, second, empty] = ['first', 'second', 'empty'].map((name) => ({
    id: testId('sweep'),
    name,
    experimentId,
  }));
  await prisma.sweep.createMany({ data: [first!, second!, empty!] });
  const runs: string[] = [];
  for (const sweep of [first, second, null, first, first]) {
    const id = await testRun(prisma, experimentId);
    // The later a run is in the list, the older it is.
    const createdAt = new Date(Date.UTC(2026, 0, 10 - runs.length));
    await prisma.run.update({ where: { id }, data: { sweepId: sweep?.id ?? null, createdAt } });
    runs.push(id);
  }
  await pool.query('drop table sweep_member');

  const name = migrationNames().find((migration) => migration.endsWith('_sweep_members'))!;
  await pool.query(await readFile(path.join(migrationsFolder, name, 'migration.sql'), 'utf8'));

  const shown = async (id: string) =>
    (await listSweepRuns(prisma, id, { first: 10 })).items.map((run) => [run.position, run.id]);
  expect(await shown(first!.id)).toEqual([
    [0, runs[4]],
    [1, runs[3]],
    [2, runs[0]],
  ]);
  expect(await shown(second!.id)).toEqual([[0, runs[1]]]);
  expect(await shown(empty!.id)).toEqual([]);
});
