import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Filter, parseFilter } from '../../src/domain/filter.ts';
import { createRandom } from '../../src/domain/random.ts';
import { runStatuses } from '../../src/domain/run.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';
import { filterSql } from '../../src/store/filterSql.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { matches, type RunFacts } from '../support/filterMatches.ts';

let database: TestDatabase;
let runs: Map<string, RunFacts>;

const random = createRandom(20260101, 'filters');
const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)]!;
const some = <T>(values: readonly T[]): T[] => values.filter(() => random.next() < 0.4);

const words = ['vit', 'vit small', 'a%b', 'a_b', 'a\\b', "it's", 'say "x"', '*', '🌾 leaf', 'line\nbreak', 'SUCCEEDED'];
const architectures = ['vit_small_patch16_224', 'convnext_tiny_in22k', 'convnext_small_in22k', 'external.model'];
const numbers = [0, 1, 2, 0.1, 0.025, 224, 320, -1.5, 1e-7, 12];
const metrics = ['valid/error_rate', 'valid/accuracy', 'odd metric', 'train/loss'];

beforeAll(async () => {
  database = await testDatabase();
  const db = database.prisma;
  const experiment = await experimentOf(db, null);
  const sweeps = ['first sweep', 'vit'].map((name) => ({ id: testId('sweep'), name }));
  for (const sweep of sweeps) await db.sweep.create({ data: { ...sweep, experimentId: experiment } });
  for (const name of metrics) await db.metricName.create({ data: { name } });
  const names = new Map((await db.metricName.findMany()).map(({ id, name }) => [name, id]));
  runs = new Map();
  for (let i = 0; i < 120; i++) {
    const facts: Omit<RunFacts, 'id'> = {
      name: pick(words),
      kind: pick(['TRAINED', 'EXTERNAL', 'MEMORY_PROBE']),
      status: pick(runStatuses),
      tags: some(words),
      config: {
        architecture: pick(architectures),
        size: { height: pick(numbers), width: pick(numbers) },
        itemTransform: { size: { height: 1, width: 1 }, method: pick(['CROP', 'SQUISH', 'PAD']) },
        accumulation: pick(numbers),
        epochs: pick(numbers),
      },
      sweep: pick([null, ...sweeps]),
      metrics: new Map(some(metrics).map((name) => [name, pick(numbers)])),
    };
    const { config, sweep, metrics: values, ...columns } = facts;
    const id = await testRun(db, experiment, {
      ...columns,
      architecture: config.architecture,
      config,
      sweepId: sweep?.id ?? null,
    });
    for (const [name, best] of values) {
      const other = name.endsWith('accuracy') ? { min: best - 1, max: best } : { min: best, max: best + 1 };
      const ends = { count: 2n, firstStep: 1n, first: 5, lastStep: 2n, last: Number.NaN };
      await db.metricSummary.create({ data: { runId: id, nameId: names.get(name)!, ...ends, ...other } });
    }
    // A series without any finite value is like no series.
    const nothing = metrics.find((name) => !values.has(name));
    if (nothing && i % 2) {
      const ends = { count: 1n, firstStep: 1n, first: Number.NaN, lastStep: 1n, last: Number.NaN };
      await db.metricSummary.create({ data: { runId: id, nameId: names.get(nothing)!, ...ends } });
    }
    runs.set(id, { id, ...facts });
  }
});
afterAll(() => database.drop());

async function found(filter: Filter): Promise<string[]> {
  const rows = await database.prisma.$queryRaw<{ id: string }[]>(
    Prisma.sql`select r.id from run r where ${filterSql(filter)} order by r.id`,
  );
  return rows.map((row) => row.id);
}

const expected = (filter: Filter) => [...runs].filter(([, facts]) => matches(filter, facts)).map(([id]) => id);

const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
const globOf = (text: string) =>
  [...text].map((c) => (random.next() < 0.2 ? '?' : c)).join('') + (random.next() < 0.3 ? '*' : '');

function drawTest(): string {
  const sign = () => pick(['=', '!=', '<', '<=', '>', '>=']);
  return pick([
    () => `${pick(['name', 'tag', 'sweep'])} ${pick(['=', '!='])} ${quote(pick(words))}`,
    () => `${pick(['name', 'tag', 'sweep'])} in (${quote(pick(words))}, ${quote(pick(words))})`,
    () => `${pick(['name', 'tag', 'sweep'])} like ${quote(globOf(pick(words)))}`,
    () => `id in (${pick([...runs.keys()])}, ${pick([...runs.keys()])})`,
    () => `arch ${pick(['=', '!='])} ${pick(architectures)}`,
    () => `arch like ${pick(['vit*', '*small*', 'convnext_*_in22k', '?it*'])}`,
    () => `status in (${pick(runStatuses)}, ${pick(runStatuses)}) or kind = external`,
    () => `item.method ${pick(['=', '!=', 'like'])} ${pick(['CROP', 'SQUISH', 'PAD'])}`,
    () => `${pick(['size.height', 'size.width', 'accumulation', 'epochs'])} ${sign()} ${pick(numbers)}`,
    () => `${quote(pick(metrics))} ${sign()} ${pick(numbers)}`,
    () => `${quote(pick([...metrics, 'unknown']))} in (${pick(numbers)}, ${pick(numbers)})`,
  ])();
}

function draw(depth: number): string {
  const kind = depth ? random.integer(4) : 3;
  if (kind === 3) return drawTest();
  if (kind === 2) return `not (${draw(depth - 1)})`;
  return `(${draw(depth - 1)}) ${kind ? 'and' : 'or'} (${draw(depth - 1)})`;
}

it('finds in SQL exactly the runs that match', async () => {
  let split = 0;
  for (let i = 0; i < 400; i++) {
    const text = draw(3);
    const filter = parseFilter(text);
    const ids = await found(filter);
    expect(ids, text).toEqual(expected(filter));
    if (ids.length && ids.length < runs.size) split++;
  }
  // Most filters keep some runs and not others: the comparison above is about something.
  expect(split).toBeGreaterThan(200);
});

it('takes a config without the asked field, or with another kind of value, for one that has none', async () => {
  const experiment = await experimentOf(database.prisma, null, { name: 'external' });
  const id = await testRun(database.prisma, experiment, { config: { epochs: 'many', size: null }, architecture: 'x' });
  const some = await found(parseFilter('epochs = 1 or epochs != 1 and size.height > 0 or item.method = CROP'));
  expect(some).not.toContain(id);
  expect(await found(parseFilter('epochs != 1 and not size.height > 0 and item.method != CROP'))).toContain(id);
});
