import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { isDatabaseAway } from '../../src/domain/absence.ts';

const thrown = (work: Promise<unknown>) => work.catch((error: unknown) => error);

test('a file that is missing, a bucket that does not answer and a conflict of transactions are not the database', async () => {
  expect(isDatabaseAway(await thrown(readFile('/nowhere/connect')))).toBe(false);
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9000'), { code: 'ECONNREFUSED' });
  expect(isDatabaseAway(refused)).toBe(true);
  expect(isDatabaseAway(Object.assign(refused, { $metadata: { attempts: 3 } }))).toBe(false);
  expect(isDatabaseAway(Object.assign(new Error('write conflict'), { code: 'P2034' }))).toBe(false);
});
