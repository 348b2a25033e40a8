import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseFilter } from '../../src/domain/filter.ts';
import { UserInputError } from '../../src/errors.ts';
import { filterSql } from '../../src/store/filterSql.ts';
import { listRuns, type RunListRequest, type RunOrder, runCursor } from '../../src/store/runList.ts';
import { experimentOf, testRun } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let db: TestDatabase;
let experimentId: string;
/** Ids of the runs named a, b, c …, in the order they were made. */
const made: [name: string, objective: number | null][] = [
  ['c', 0.3],
  ['a', null],
  ['b', 0.1],
  ['g', 0.3],
  ['f', 0.2],
  ['e', null],
];
beforeAll(async () => {
  db = await testDatabase();
  experimentId = await experimentOf(db.prisma, null);
  const other = await experimentOf(db.prisma, null, { name: 'other' });
  for (const [i, [name, objectiveValue]] of made.entries()) {
    const architecture = i % 2 ? 'vit_tiny_patch16_224' : 'convnext_atto';
    const id = await testRun(db.prisma, experimentId, { name, objectiveValue, architecture });
    // Pairs of the same time: their ids, which grow, decide.
    const createdAt = new Date(Date.UTC(2026, 1, 1 + Math.floor(i / 2)));
    await db.prisma.run.update({ where: { id }, data: { createdAt } });
  }
  await testRun(db.prisma, experimentId, { name: 'probe', kind: 'MEMORY_PROBE' });
  await testRun(db.prisma, other, { name: 'elsewhere', objectiveValue: 0.01 });
});
afterAll(() => db.drop());

/** Names of all runs of a list, read in pages of `first`. */
async function names(request: Omit<RunListRequest, 'first' | 'after'>, first: number): Promise<string> {
  let result = '';
  for (let after: string | undefined; ; ) {
    const page = await listRuns(db.prisma, { kinds: ['TRAINED'], ...request, first, after });
    result += page.items.map((run) => run.name).join('');
    expect(page.hasPreviousPage).toBe(after !== undefined);
    if (!page.hasNextPage) return result;
    expect(page.items).toHaveLength(first);
    after = runCursor(page.items.at(-1)!, request.orderBy);
  }
}

const orders: [field: RunOrder['field'], direction: RunOrder['direction'], expected: string][] = [
  ['CREATED_AT', 'DESC', 'efgbac'],
  ['CREATED_AT', 'ASC', 'cabgfe'],
  ['NAME', 'ASC', 'abcefg'],
  ['NAME', 'DESC', 'gfecba'],
  // Equal values by id; runs without a value last, either way.
  ['OBJECTIVE', 'ASC', 'bfcgae'],
  ['OBJECTIVE', 'DESC', 'gcfbea'],
];
test.each(orders)('pages of any size by %s %s join to the whole list', async (field, direction, expected) => {
  for (const first of [1, 2, 4, 100]) {
    expect(await names({ experimentId, orderBy: { field, direction } }, first)).toBe(expected);
  }
});

test('newest first unless told otherwise; of all experiments and kinds unless told otherwise', async () => {
  expect(await names({ experimentId }, 3)).toBe('efgbac');
  const { items } = await listRuns(db.prisma, { first: 100 });
  expect(items.map((run) => run.name).sort()).toEqual(['a', 'b', 'c', 'e', 'elsewhere', 'f', 'g', 'probe']);
});

test('a filter holds on every page', async () => {
  const where = filterSql(parseFilter('arch like vit*'));
  expect(await names({ experimentId, where }, 1)).toBe('ega');
});

test('a page size out of bounds and a cursor of another order are refused', async () => {
  for (const first of [0, 101, 1.5]) {
    await expect(listRuns(db.prisma, { first })).rejects.toMatchObject({ problems: [{ path: ['first'] }] });
  }
  const [run] = (await listRuns(db.prisma, { first: 1 })).items;
  const byName: RunOrder = { field: 'NAME', direction: 'ASC' };
  for (const after of [runCursor(run!, byName), 'x', '']) {
    const refused = listRuns(db.prisma, { first: 1, after });
    await expect(refused).rejects.toBeInstanceOf(UserInputError);
    await expect(refused).rejects.toMatchObject({ problems: [{ path: ['after'] }] });
  }
});
