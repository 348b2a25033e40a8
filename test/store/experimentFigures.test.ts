import { afterAll, beforeAll, expect, it } from 'vitest';
import { bestHistories, countRunsByStatus, listMetricNames } from '../../src/store/experimentFigures.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import { experimentOf, type TestRun, testRun } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Queryable;
beforeAll(async () => {
  database = await testDatabase();
  db = database.prisma;
});
afterAll(() => database.drop());

const day = (number: number) => new Date(Date.UTC(2026, 0, number));

/** A run that finished on a day of January; null: it has not. */
async function finished(experimentId: string, on: number | null, run: TestRun): Promise<string> {
  const id = await testRun(db, experimentId, run);
  await db.run.update({ where: { id }, data: { finishedAt: on === null ? null : day(on) } });
  return id;
}

it('counts runs by status, memory probes not', async () => {
  const [one, two] = [await experimentOf(db, null, { name: 'one' }), await experimentOf(db, null, { name: 'two' })];
  for (const status of ['SUCCEEDED', 'RUNNING', 'SUCCEEDED', 'QUEUED'] as const) await testRun(db, one, { status });
  await testRun(db, one, { status: 'RUNNING', kind: 'MEMORY_PROBE' });
  await testRun(db, two, { status: 'FAILED' });
  expect(await countRunsByStatus(db, [two, one, 'exp_none'])).toEqual([
    { experimentId: one, status: 'QUEUED', count: 1 },
    { experimentId: one, status: 'RUNNING', count: 1 },
    { experimentId: one, status: 'SUCCEEDED', count: 2 },
    { experimentId: two, status: 'FAILED', count: 1 },
  ]);
});

it('tells when the best value changed, by the direction of each objective, up to the newest run', async () => {
  const smaller = await experimentOf(db, null, { name: 'smaller' });
  const larger = await experimentOf(db, null, {
    name: 'larger',
    objective: { metric: 'valid/accuracy', direction: 'DESC' },
  });
  const alone = await experimentOf(db, null, { name: 'alone' });
  for (const own of [smaller, larger]) {
    await finished(own, 3, { objectiveValue: 0.4 });
    await finished(own, 1, { objectiveValue: 0.5 });
    await finished(own, 2, { objectiveValue: 0.6 });
    await finished(own, 4, { objectiveValue: 0.45 });
    await finished(own, 5, { objectiveValue: null, status: 'FAILED' });
    await finished(own, 6, { objectiveValue: 0, kind: 'MEMORY_PROBE' });
    await finished(own, null, { objectiveValue: 0.1, status: 'RUNNING' });
  }
  await finished(alone, 7, { objectiveValue: -2 });
  const points = await bestHistories(db, [smaller, larger, alone, 'exp_none']);
  const of = (id: string) => points.filter((p) => p.experimentId === id).map(({ at, value }) => [at, value]);
  expect(of(smaller)).toEqual([
    [day(1), 0.5],
    [day(3), 0.4],
    [day(4), 0.4],
  ]);
  expect(of(larger)).toEqual([
    [day(1), 0.5],
    [day(2), 0.6],
    [day(4), 0.6],
  ]);
  expect(of(alone)).toEqual([[day(7), -2]]);
});

it('names the series of an experiment’s runs', async () => {
  const [own, other] = [await experimentOf(db, null, { name: 'own' }), await experimentOf(db, null, { name: 'other' })];
  const logged = async (runId: string, names: readonly string[]) => {
    for (const name of names) {
      const { id: nameId } = await db.metricName.upsert({ where: { name }, create: { name }, update: {} });
      const values = { count: 1, firstStep: 1, first: 1, lastStep: 1, last: 1 };
      await db.metricSummary.create({ data: { runId, nameId, ...values } });
    }
  };
  await logged(await testRun(db, own), ['valid/loss', 'Zeta']);
  await logged(await testRun(db, own), ['valid/loss', 'lr']);
  await logged(await testRun(db, own, { kind: 'MEMORY_PROBE' }), ['probe/peak_memory']);
  await logged(await testRun(db, other), ['elsewhere']);
  expect(await listMetricNames(db, own)).toEqual(['Zeta', 'lr', 'valid/loss']);
  expect(await listMetricNames(db, 'exp_none')).toEqual([]);
});
