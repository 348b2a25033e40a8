import { expect, test } from 'vitest';
import { Closers } from '../../src/bin/closers.ts';

test('closes in reverse order, each once, also when asked twice', async () => {
  const closers = new Closers();
  const closed: string[] = [];
  closers.add(() => void closed.push('database'));
  closers.add(async () => void closed.push('server'));
  await Promise.all([closers.close(), closers.close()]);
  expect(closed).toEqual(['server', 'database']);
});

test('a failure does not keep the rest open and is reported at the end', async () => {
  const closers = new Closers();
  const closed: string[] = [];
  closers.add(() => void closed.push('database'));
  closers.add(() => Promise.reject(new Error('socket hung')));
  await expect(closers.close()).rejects.toThrow('socket hung');
  expect(closed).toEqual(['database']);
});
