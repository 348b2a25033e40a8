import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  countRuns,
  experimentCursor,
  findBestRuns,
  findExperiment,
  getExperiments,
  insertExperiment,
  listExperiments,
} from '../../src/store/experiment.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

it('is found by id and by name, and has a name of its own', async () => {
  const db = database.prisma;
  const experiment = {
    ...{ id: testId('experiment'), name: 'first', description: 'why', createdAt: new Date(5), datasetId: null },
    objective: { metric: 'valid/accuracy', direction: 'DESC' as const },
    quota: null,
  };
  expect(await insertExperiment(db, experiment)).toBe(true);
  expect(await insertExperiment(db, { ...experiment, id: testId('experiment') })).toBe(false);
  const snapshot = expect.stringMatching(/^\d+\/\d+:\d+:/);
  expect(await findExperiment(db, { name: 'first' })).toEqual({ ...experiment, snapshot });
  expect(await findExperiment(db, { id: 'exp_missing' })).toBeNull();
  expect(await getExperiments(db, [experiment.id, 'exp_missing'])).toEqual(
    new Map([[experiment.id, { ...experiment, snapshot }]]),
  );
});

it('lists newest first and searches names literally, in any case', async () => {
  const own = await testDatabase();
  for (const name of ['Paddy 100%', 'paddy_a', 'wheat', 'PADDY b']) await experimentOf(own.prisma, null, { name });
  const names = async (search: string) =>
    (await listExperiments(own.prisma, { search }, { first: 10 })).items.map((e) => e.name);
  expect(await names('paddy')).toEqual(['PADDY b', 'paddy_a', 'Paddy 100%']);
  expect(await names('0%')).toEqual(['Paddy 100%']);
  expect(await names('y_')).toEqual(['paddy_a']);
  const first = await listExperiments(own.prisma, {}, { first: 3 });
  expect(first.hasNextPage).toBe(true);
  const rest = await listExperiments(own.prisma, {}, { first: 3, after: experimentCursor(first.items[2]!) });
  expect(rest.items.map((e) => e.name)).toEqual(['Paddy 100%']);
});

it('counts runs and names the best, by direction, memory probes aside', async () => {
  const db = database.prisma;
  const lowest = await experimentOf(db, null, { name: 'lowest' });
  const highest = await experimentOf(db, null, {
    name: 'highest',
    objective: { metric: 'valid/accuracy', direction: 'DESC' },
  });
  const empty = await experimentOf(db, null, { name: 'empty' });
  const ids = new Map<string, string[]>();
  for (const experiment of [lowest, highest]) {
    const own: string[] = [];
    for (const objectiveValue of [0.5, null, 0.1, 0.9, 0.1, 0.9]) {
      own.push(await testRun(db, experiment, { objectiveValue }));
    }
    for (const objectiveValue of [0, 1]) await testRun(db, experiment, { kind: 'MEMORY_PROBE', objectiveValue });
    ids.set(experiment, own);
  }
  expect(await countRuns(db, [lowest, empty])).toEqual(
    new Map([
      [lowest, 6],
      [empty, 0],
    ]),
  );
  expect(await findBestRuns(db, [lowest, highest, empty])).toEqual(
    new Map([
      [lowest, ids.get(lowest)![2]],
      [highest, ids.get(highest)![3]],
    ]),
  );
});
