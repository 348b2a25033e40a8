import { expect, test } from 'vitest';
import { createReadiness } from '../../src/server/readiness.ts';
import { silent } from '../support/commandContext.ts';

test('a report names every check; one that throws or does not answer has failed', async () => {
  const checks = {
    fine: () => null,
    wrong: async () => 'the disk is full',
    broken: () => Promise.reject(new Error('password=secret')),
    silent: () => new Promise<null>(() => {}),
  };
  const readiness = createReadiness(checks, { log: silent, timeoutMs: 20 });
  expect(await readiness.report()).toEqual({
    status: 'unavailable',
    checks: {
      ...{ fine: 'ok', wrong: 'the disk is full', broken: 'cannot be told', silent: 'no answer within 0.02 s' },
      draining: 'ok',
    },
  });
});

test('whoever asks at once is answered by one look; draining is told at once and for good', async () => {
  let looks = 0;
  const look = () => {
    looks++;
    return null;
  };
  const readiness = createReadiness({ database: () => look() }, { log: silent, maxAgeMs: 60_000 });
  const reports = await Promise.all(Array.from({ length: 50 }, () => readiness.report()));
  expect(new Set(reports.map(({ status }) => status))).toEqual(new Set(['ok']));
  expect(looks).toBe(1);
  readiness.drain();
  expect(await readiness.report()).toEqual({
    status: 'unavailable',
    checks: { database: 'ok', draining: 'this process is about to end' },
  });
});
