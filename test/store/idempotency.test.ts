import { afterAll, beforeAll, expect, it } from 'vitest';
import { findOrClaim } from '../../src/store/idempotency.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const claim = (key: string | null, input: object, id: string, operation = 'startRun') =>
  database.prisma.$transaction((tx) => findOrClaim(tx, key, operation, input, id));

it('lets the first try go on and gives its object to every later one', async () => {
  expect(await claim('k1', { a: 1, b: [2] }, 'run_1')).toBeNull();
  expect(await claim('k1', { b: [2], a: 1 }, 'run_2')).toBe('run_1');
});

it('does nothing without a key', async () => {
  expect(await claim(null, {}, 'run_1')).toBeNull();
  expect(await claim(null, {}, 'run_2')).toBeNull();
});

it('refuses a key used with other input or by another operation', async () => {
  await claim('k2', { a: 1 }, 'run_1');
  const refusal = (message: string) => ({ problems: [{ code: 'CONFLICT', path: ['idempotencyKey'], message }] });
  await expect(claim('k2', { a: 2 }, 'run_2')).rejects.toMatchObject(
    refusal('"k2" was already used with other input; take a fresh key'),
  );
  await expect(claim('k2', { a: 1 }, 'run_2', 'startSweep')).rejects.toMatchObject(
    refusal('"k2" was already used by startRun; take a fresh key'),
  );
  await expect(claim('', {}, 'run_2')).rejects.toThrow('idempotencyKey: must have 1 to 200 characters');
});

it('forgets a claim that is rolled back', async () => {
  const failed = database.prisma.$transaction(async (tx) => {
    await findOrClaim(tx, 'k3', 'startRun', {}, 'run_1');
    throw new Error('refused later');
  });
  await expect(failed).rejects.toThrow('refused later');
  expect(await claim('k3', {}, 'run_2')).toBeNull();
});

it('makes tries at the same time agree on one object', async () => {
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => (await claim('k4', { a: 1 }, `run_${i}`)) ?? `run_${i}`),
  );
  expect(new Set(results).size).toBe(1);
});
