import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { migrationNames, migrationsFolder } from '../../src/db/migrationFiles.ts';
import { insertDataset } from '../../src/store/dataset.ts';
import { countImages } from '../../src/store/datasetCounts.ts';
import { image, manifest, readyDataset, testId } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';

test('data sets of a database from before their images were counted are counted', async () => {
  const { prisma, pool } = await testDatabase();
  const images = [
    ...['b', 'b', 'a"'].map((label, i) => image('TRAIN', `${i}.jpg`, label)),
    image('TEST', '7.jpg', null),
    image('HOLDOUT', '8.jpg', 'b'),
  ];
  const [ready, empty, importing] = [
    await readyDataset(prisma, 'ready', manifest(images)),
    await readyDataset(prisma, 'empty', manifest([])),
    testId('dataset'),
  ];
  await insertDataset(prisma, { id: importing, name: 'importing', createdAt: new Date(), root: '/elsewhere' });
  const ids = [ready, empty, importing];
  const counts = await countImages(prisma, ids);
  expect(counts.get(ready)).toMatchObject({ trainCount: 3, testCount: 1, holdoutCount: 1 });
  await pool.query('alter table dataset drop column image_counts');

  const name = migrationNames().find((migration) => migration.endsWith('_image_counts'))!;
  await pool.query(await readFile(path.join(migrationsFolder, name, 'migration.sql'), 'utf8'));

  expect(await countImages(prisma, ids)).toEqual(counts);
  const { rows } = await pool.query('select id, image_counts is not null as counted from dataset order by id');
  expect(rows).toEqual(ids.toSorted().map((id) => ({ id, counted: id !== importing })));
});
