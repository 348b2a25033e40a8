import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../src/generated/prisma/client.ts';
import {
  datasetCursor,
  findDataset,
  findImages,
  findSample,
  getDatasets,
  insertDataset,
  listDatasets,
  listProblems,
  listSamples,
  problemCursor,
  readManifest,
  removeDataset,
  sampleCursor,
} from '../../src/store/dataset.ts';
import { countExperiments, countImageSizes, countImages, countProblems } from '../../src/store/datasetCounts.ts';
import { storeImportFailure, storeManifest } from '../../src/store/datasetImport.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import { experimentOf, image, manifest, readyDataset, testId } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Queryable;
beforeAll(async () => {
  database = await testDatabase();
  db = database.prisma;
});
afterAll(() => database.drop());

const images = [
  image('TRAIN', '3.jpg', 'hispa'),
  image('TRAIN', '1.jpg', 'blast', { width: 640, height: 480 }),
  image('TRAIN', '2.jpg', 'hispa'),
  image('TRAIN', '4.jpg', 'dead_heart'),
  image('TEST', '1.jpg', null),
  image('HOLDOUT', '9.jpg', 'blast'),
];
const problems = [
  { path: 'train_images/blast/x.jpg', reason: 'not an image', severity: 'REJECTED' as const },
  { path: 'train.csv:17', reason: 'disagrees with the folder', severity: 'WARNING' as const },
];

describe('a data set', () => {
  it('is IMPORTING without images, then READY with the whole manifest in its order', async () => {
    const id = testId('dataset');
    await insertDataset(db, { id, name: 'paddy', createdAt: new Date(1), root: '/data/paddy' });
    expect(await findDataset(db, { id })).toMatchObject({ status: 'IMPORTING', vocab: [], contentHash: '' });
    expect(await storeManifest(db, { datasetId: id, attempt: 0 }, manifest(images, problems))).toBe(true);
    expect(await findDataset(db, { name: 'paddy' })).toEqual({
      ...{
        id,
        name: 'paddy',
        createdAt: new Date(1),
        root: '/data/paddy',
        status: 'READY',
        ...{ holdoutFraction: null, holdoutSeed: null },
        ...{ failure: null, archivePath: null, archiveName: null, archiveHash: null },
        ...{ importAttempt: 0, importProgress: null },
      },
      vocab: ['blast', 'dead_heart', 'hispa'],
      contentHash: 'c'.repeat(64),
    });
    expect(await readManifest(db, id)).toEqual(images);
    expect(await findSample(db, id, 1)).toEqual({ ...images[1], datasetId: id, position: 1 });
    expect(await findSample(db, id, 6)).toBeNull();
  });

  it('is written once: a second result and a failure change nothing', async () => {
    const id = await readyDataset(db, 'once', manifest(images));
    expect(await storeManifest(db, { datasetId: id, attempt: 0 }, manifest([]))).toBe(false);
    await storeImportFailure(db, { datasetId: id, attempt: 0 }, 'too late');
    expect(await findDataset(db, { id })).toMatchObject({ status: 'READY', failure: null });
    expect(await readManifest(db, id)).toHaveLength(6);
  });

  it('keeps why its import failed', async () => {
    const id = testId('dataset');
    await insertDataset(db, { id, name: 'bad', createdAt: new Date(), root: '/data/bad' });
    await storeImportFailure(db, { datasetId: id, attempt: 0 }, 'no training images in train_images');
    expect(await findDataset(db, { id })).toMatchObject({
      status: 'FAILED',
      failure: 'no training images in train_images',
    });
  });

  it('has a name of its own', async () => {
    await readyDataset(db, 'taken', manifest(images));
    const other = { id: testId('dataset'), name: 'taken', createdAt: new Date(), root: '/elsewhere' };
    expect(await insertDataset(db, other)).toBe(false);
    expect(await findDataset(db, { id: other.id })).toBeNull();
  });

  it('takes more images than one insert does', async () => {
    const many = Array.from({ length: 20_001 }, (_, i) => image('TRAIN', `${i}.jpg`, 'a'));
    const id = await readyDataset(db, 'many', manifest(many));
    expect((await countImages(db, [id])).get(id)?.trainCount).toBe(20_001);
    expect(await findSample(db, id, 20_000)).toMatchObject({ imageId: '20000.jpg' });
  });
});

describe('what it holds', () => {
  let id: string;
  beforeAll(async () => {
    id = await readyDataset(db, 'counted', manifest(images, problems));
  });

  it('counts splits, labels of TRAIN largest first, and sizes most frequent first', async () => {
    const counts = await countImages(db, [id, 'ds_missing']);
    expect(counts.get(id)).toEqual({
      ...{ trainCount: 4, testCount: 1, holdoutCount: 1 },
      labelCounts: [
        { label: 'hispa', count: 2 },
        { label: 'blast', count: 1 },
        { label: 'dead_heart', count: 1 },
      ],
    });
    expect(counts.get('ds_missing')).toEqual({ trainCount: 0, testCount: 0, holdoutCount: 0, labelCounts: [] });
    expect(await countImageSizes(db, id)).toEqual([
      { width: 480, height: 640, count: 5 },
      { width: 640, height: 480, count: 1 },
    ]);
  });

  it('is counted once, when it becomes READY', async () => {
    const other = await readyDataset(db, 'counted once', manifest(images));
    const counts = await countImages(db, [other]);
    // As a worker of an earlier version leaves it.
    await db.dataset.update({ where: { id: other }, data: { imageCounts: Prisma.DbNull } });
    expect(await countImages(db, [other])).toEqual(counts);
    await db.dataset.update({
      where: { id: other },
      data: { imageCounts: [{ split: 'TEST', label: null, count: 7 }] },
    });
    expect((await countImages(db, [other])).get(other)).toMatchObject({ trainCount: 0, testCount: 7 });
  });

  it('pages through the samples of a split, and of one label', async () => {
    const first = await listSamples(db, id, { split: 'TRAIN' }, { first: 3 });
    expect(first.items.map((s) => s.imageId)).toEqual(['3.jpg', '1.jpg', '2.jpg']);
    expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const rest = await listSamples(db, id, { split: 'TRAIN' }, { first: 3, after: sampleCursor(first.items[2]!) });
    expect(rest.items.map((s) => s.imageId)).toEqual(['4.jpg']);
    expect(rest).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const hispa = await listSamples(db, id, { split: 'TRAIN', label: 'hispa' }, { first: 10 });
    expect(hispa.items.map((s) => s.imageId)).toEqual(['3.jpg', '2.jpg']);
    expect((await listSamples(db, id, { split: 'VALID' }, { first: 10 })).items).toEqual([]);
  });

  it('pages through problems', async () => {
    const first = await listProblems(db, id, { first: 1 });
    expect(first).toMatchObject({ items: [problems[0]], hasNextPage: true });
    const rest = await listProblems(db, id, { first: 1, after: problemCursor(first.items[0]!) });
    expect(rest).toMatchObject({ items: [problems[1]], hasNextPage: false });
    expect((await listProblems(db, id, { first: 1000 })).items).toHaveLength(2);
    await expect(listProblems(db, id, { first: 1001 })).rejects.toThrow('must be between 1 and 1000');
    expect(await countProblems(db, [id, 'ds_missing'])).toEqual([
      { datasetId: id, severity: 'REJECTED', count: 1 },
      { datasetId: id, severity: 'WARNING', count: 1 },
    ]);
  });

  it('finds images by id within their split; VALID is part of TRAIN', async () => {
    const test = await findImages(db, id, 'TEST', ['1.jpg', 'no.jpg']);
    expect([...test]).toEqual([['1.jpg', { position: 4, label: null }]]);
    const valid = await findImages(db, id, 'VALID', ['1.jpg']);
    expect(valid.get('1.jpg')).toEqual({ position: 1, label: 'blast' });
  });
});

it('lists data sets newest first', async () => {
  const own = await testDatabase();
  const names = ['a', 'b', 'c'];
  const ids: string[] = [];
  for (const name of names) ids.push(await readyDataset(own.prisma, name, manifest(images)));
  const first = await listDatasets(own.prisma, {}, { first: 2 });
  expect(first.items.map((d) => d.name)).toEqual(['c', 'b']);
  const rest = await listDatasets(own.prisma, {}, { first: 2, after: datasetCursor(first.items[1]!) });
  expect(rest.items.map((d) => d.name)).toEqual(['a']);
  expect([...(await getDatasets(own.prisma, [ids[0]!, 'ds_missing'])).keys()]).toEqual([ids[0]]);
  await expect(listDatasets(own.prisma, {}, { first: 101 })).rejects.toThrow('first: must be between 1 and 100');
  await expect(listDatasets(own.prisma, {}, { first: 1, after: 'x' })).rejects.toThrow('after: "x" is no cursor');
});

it('finds data sets by a part of their names, taken literally', async () => {
  const own = await testDatabase();
  for (const name of ['Paddy 100%', 'paddy_1', 'paddyX1', String.raw`back\slash`]) {
    await readyDataset(own.prisma, name, manifest(images));
  }
  const found = async (search: string) =>
    (await listDatasets(own.prisma, { search }, { first: 10 })).items.map(({ name }) => name);
  expect(await found('PADDY')).toEqual(['paddyX1', 'paddy_1', 'Paddy 100%']);
  expect(await found('y_')).toEqual(['paddy_1']);
  expect(await found('%')).toEqual(['Paddy 100%']);
  expect(await found(String.raw`k\s`)).toEqual([String.raw`back\slash`]);
  expect(await found('')).toHaveLength(4);
});

it('counts the experiments that use data sets', async () => {
  const used = await readyDataset(db, 'used', manifest(images));
  const unused = await readyDataset(db, 'unused', manifest(images));
  for (const name of ['first', 'second']) await experimentOf(db, used, { name });
  expect([...(await countExperiments(db, [used, unused]))]).toEqual([[used, 2]]);
});

it('is removed with its manifest, but not while an experiment uses it', async () => {
  const id = await readyDataset(db, 'removed', manifest(images));
  const experiment = await experimentOf(db, id);
  const remove = (which: string) => database.prisma.$transaction(async (tx) => (await removeDataset(tx, which)).kind);
  expect(await remove(id)).toBe('used');
  expect(await readManifest(db, id)).toHaveLength(6);
  await db.experiment.delete({ where: { id: experiment } });
  expect(await remove(id)).toBe('removed');
  expect(await db.datasetImage.count({ where: { datasetId: id } })).toBe(0);
  expect(await remove(id)).toBe('missing');
});
