import pg from 'pg';
import { expect, test } from 'vitest';
import { createLogger } from '../src/log.ts';

test('an error is told by type, message, stack, code and cause, without the client that a driver hangs on it', () => {
  const lines: string[] = [];
  const log = createLogger('test', 'info', { write: (line) => lines.push(line) });
  const client = new pg.Client({ host: 'db.example', password: 'secret' });
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', client });
  const error = Object.assign(new TypeError('the database is away', { cause }), { client });
  log.warn({ err: error }, 'job queue');
  log.warn({ err: 'thrown text' });
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(first).toMatchObject({ name: 'test', msg: 'job queue' });
  expect(first.err).toEqual({
    ...{ type: 'TypeError', message: 'the database is away', stack: error.stack },
    cause: { type: 'Error', message: 'connect ECONNREFUSED', stack: cause.stack, code: 'ECONNREFUSED' },
  });
  expect(second.err).toBe('thrown text');
});

test('causes in a circle come to an end', () => {
  const lines: string[] = [];
  const error = new Error('round');
  error.cause = error;
  createLogger('test', 'info', { write: (line) => lines.push(line) }).error({ err: error });
  expect(JSON.parse(lines[0]!).err).toMatchObject({ message: 'round', cause: { message: 'round' } });
});
