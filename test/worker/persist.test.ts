import { expect, it } from 'vitest';
import { refuse } from '../../src/errors.ts';
import { persist } from '../../src/worker/persist.ts';

const coded = (code: string) => Object.assign(new Error('no words'), { code });

it.each([
  coded('ECONNREFUSED'),
  coded('57P01'),
  coded('08006'),
  coded('P2028'),
  coded('P2034'),
  new Error('connect ENOENT /tmp/.s.PGSQL.5432'),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Client has encountered a connection error and is not queryable'),
  new Error('Raw query failed. Code: `57P01`. Message: `terminating connection due to administrator command`'),
  new Error('Server has closed the connection.'),
  new Error("Raw query failed. Code: `N/A`. Message: `Can't reach database server at /home/postgres/.s.PGSQL.5432`"),
  new Error('Operation has timed out'),
  new Error('Too many database connections opened: FATAL: sorry, too many clients already'),
  new Error('FATAL: the database system is in recovery mode'),
  new Error('FATAL: the database system is starting up'),
  refuse('UNAVAILABLE', 'the disk is full'),
])('is tried again after %o', async (error) => {
  let tries = 0;
  const write = async () => {
    if (tries++ === 0) throw error;
    return 'written';
  };
  expect(await persist(write)).toBe('written');
  expect(tries).toBe(2);
});

it.each([
  new Error('null value in column "recommended" violates not-null constraint'),
  new Error('the extended protocol is disclosed'),
  new Error('run run_08123 cannot become RUNNING'),
  coded('23505'),
  refuse('CONFLICT', 'taken'),
])('is not tried again after %o', async (error) => {
  let tries = 0;
  const write = async () => {
    tries++;
    throw error;
  };
  await expect(persist(write)).rejects.toBe(error);
  expect(tries).toBe(1);
});
