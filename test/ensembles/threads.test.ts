import { expect, it, onTestFinished } from 'vitest';
import type { Member } from '../../src/ensembles/combine.ts';
import { combineMembers } from '../../src/ensembles/methods.ts';
import {
  createEnsembleThreads,
  type EnsembleThreadOptions,
  type EnsembleThreads,
} from '../../src/ensembles/threads.ts';
import { UserInputError } from '../../src/errors.ts';

function threads(options?: EnsembleThreadOptions): EnsembleThreads {
  const pool = createEnsembleThreads(options);
  onTestFinished(() => pool.close());
  return pool;
}

const member = (name: string, probabilities: number[], imageIds = ['1.jpg', '2.jpg']): Member => ({
  ...{ name, weight: 2, imageIds, vocab: ['a', 'b'] },
  probabilities: new Float32Array(probabilities),
});
const members = [member('one', [0.9, 0.1, 0.3, 0.7]), member('two', [0.2, 0.8, 0.4, 0.6])];

const rowsById = (pool: EnsembleThreads, imageIds: readonly string[]) =>
  pool.run('chooseRows', { imageIds, vocab: [], probabilities: new Float32Array(0) }, [], { orderBy: 'IMAGE_ID' });

it('compute what the function computes', async () => {
  const pool = threads();
  for (const method of ['MEAN', 'GEOMETRIC_MEAN', 'RANK_MEAN', 'MAJORITY_VOTE'] as const) {
    const expected = combineMembers(method, members);
    expect(await pool.run('combine', method, members)).toEqual(expected);
  }
  const table = await pool.run('combine', 'MEAN', members);
  expect(await pool.run('csv', table)).toBe('image_id,label\n1.jpg,a\n2.jpg,b\n');
});

it('do more tasks than there are threads, each with its own answer', async () => {
  const pool = threads({ most: 2 });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => rowsById(pool, [`${i}`, `${99 - i}`, '0'])));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => (i === 0 ? [0, 2, 1] : [2, 0, 1])));
});

it('pass refusals on as such, and go on', async () => {
  const pool = threads({ most: 1 });
  const refused = pool.run('combine', 'MEAN', [members[0]!, member('odd', [1, 0, 0, 1], ['1.jpg', '3.jpg'])]);
  const after = pool.run('labelCounts', { imageIds: ['1.jpg'], vocab: ['a'], probabilities: new Float32Array([1]) });
  await expect(refused).rejects.toBeInstanceOf(UserInputError);
  await expect(refused).rejects.toMatchObject({ problems: [{ code: 'INCOMPATIBLE', path: ['members'] }] });
  expect(await after).toEqual([{ label: 'a', count: 1 }]);
});

it('fail the task of a thread that dies, and only that', async () => {
  const script = `
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ args: [{ imageIds }] }) => {
      if (imageIds[0] === 'exit') process.exit(3);
      if (imageIds[0] === 'throw') setImmediate(() => { throw new Error('out of order') });
      else parentPort.postMessage({ value: imageIds });
    });`;
  const pool = threads({ most: 1, module: new URL(`data:text/javascript,${encodeURIComponent(script)}`) });
  const ends = await Promise.allSettled(
    ['first', 'exit', 'second', 'throw', 'third'].map((id) => rowsById(pool, [id])),
  );
  expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message))).toEqual([
    ['first'],
    'an ensemble thread ended with code 3',
    ['second'],
    'out of order',
    ['third'],
  ]);
});

it('fail what waits when they are closed', async () => {
  const pool = createEnsembleThreads({ most: 1 });
  const tasks = [0, 1, 2].map(() => rowsById(pool, ['b', 'a']));
  const ends = Promise.allSettled(tasks);
  await pool.close();
  for (const end of await ends) expect(end.status).toBe('rejected');
  await expect(rowsById(pool, [])).rejects.toThrow('the ensemble threads are closed');
});
