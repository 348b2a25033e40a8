import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransaction } from '../../src/commands/transaction.ts';
import type { Transaction } from '../../src/db/database.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

const experiment = (tx: Pick<Transaction, 'experiment'>, name: string) =>
  tx.experiment.create({ data: { id: name, name, metric: 'valid/error_rate', direction: 'ASC', description: '' } });

test.each([
  [
    'raw SQL',
    async (tx: Transaction, name: string, letter: string) => {
      await tx.$executeRaw`update experiment set description = description || ${letter} where name = ${name}`;
    },
  ],
  [
    'Prisma’s queries',
    async (tx: Transaction, name: string, letter: string) => {
      const { description } = await tx.experiment.update({ where: { name }, data: { name } });
      await tx.experiment.update({ where: { name }, data: { description: `${description}${letter}` } });
    },
  ],
])('of two transactions in a deadlock both are stored, once each: %s', async (_, append) => {
  const one = await experiment(db.prisma, randomUUID());
  const other = await experiment(db.prisma, randomUUID());
  let begun = 0;
  let go = () => {};
  const bothHold = new Promise<void>((resolve) => {
    go = resolve;
  });
  const write = (letter: string, first: string, second: string) =>
    inTransaction({ db }, async (tx) => {
      await append(tx, first, letter);
      begun++;
      if (begun === 2) go();
      await bothHold;
      await append(tx, second, letter);
    });
  await Promise.all([write('a', one.name, other.name), write('b', other.name, one.name)]);
  expect(begun).toBe(3);
  const rows = await db.prisma.experiment.findMany({ where: { id: { in: [one.id, other.id] } } });
  for (const { description } of rows) expect([...description!].sort()).toEqual(['a', 'b']);
});

test.each([
  ['40001', 5],
  ['40P01', 5],
  ['P0001', 1],
])('a transaction that always fails with %s is tried %i times, and nothing of it is stored', async (code, tries) => {
  let begun = 0;
  const name = randomUUID();
  const failing = inTransaction({ db }, async (tx) => {
    begun++;
    await experiment(tx, name);
    await tx.$executeRawUnsafe(`do $$ begin raise exception 'as always' using errcode = '${code}'; end $$`);
  });
  await expect(failing).rejects.toThrow('as always');
  expect(begun).toBe(tries);
  expect(await db.prisma.experiment.findUnique({ where: { name } })).toBeNull();
});
