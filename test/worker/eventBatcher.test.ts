import { expect, test } from 'vitest';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { EventBatcher } from '../../src/worker/eventBatcher.ts';

const line = (i: number): TrainerEvent => ({ kind: 'log', stream: 'stdout', line: String(i) });
const numbers = (events: readonly TrainerEvent[]) => events.map((e) => (e.kind === 'log' ? Number(e.line) : -1));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test('events are written in order, many at a time, one write after the other', async () => {
  const writes: number[][] = [];
  let writing = 0;
  const batcher = new EventBatcher({
    write: async (events) => {
      expect(++writing).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      writes.push(numbers(events));
      writing--;
      return 'ok';
    },
    onLost: () => expect.unreachable(),
  });
  for (const i of upTo(1203)) batcher.add(line(i));
  expect(await batcher.flush()).toBe(true);
  expect(writes.flat()).toEqual(upTo(1203));
  expect(writes.length).toBeLessThanOrEqual(4);
});

test('events are written soon without being asked for', async () => {
  const written = await new Promise<number[]>((resolve) => {
    const batcher = new EventBatcher({
      write: async (events) => {
        resolve(numbers(events));
        return 'ok';
      },
      onLost: () => {},
    });
    batcher.add(line(1));
    batcher.add(line(2));
  });
  expect(written).toEqual([1, 2]);
});

test('whoever is faster than the database waits for room', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const written: number[] = [];
  const batcher = new EventBatcher({
    write: async (events) => {
      await gate;
      written.push(...numbers(events));
      return 'ok';
    },
    onLost: () => {},
  });
  let produced = 0;
  const producer = (async () => {
    while (produced < 10_000) {
      batcher.add(line(produced++));
      await batcher.room();
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(produced).toBeLessThan(3000);
  release();
  await producer;
  await batcher.flush();
  expect(written).toEqual(upTo(10_000));
});

test('a stale attempt is reported once and nothing more is written', async () => {
  let writes = 0;
  let lost = 0;
  const batcher = new EventBatcher({
    write: async () => {
      writes++;
      return 'stale';
    },
    onLost: () => lost++,
  });
  batcher.add(line(1));
  expect(await batcher.flush()).toBe(false);
  batcher.add(line(2));
  expect(await batcher.flush()).toBe(false);
  await batcher.room();
  expect([writes, lost]).toEqual([1, 1]);
});

test('an error that is not of the connection ends the attempt', async () => {
  const errors: unknown[] = [];
  const batcher = new EventBatcher({
    write: () => Promise.reject(new Error('null value in column "line"')),
    onLost: (error) => errors.push(error),
  });
  batcher.add(line(1));
  expect(await batcher.flush()).toBe(false);
  expect(errors).toMatchObject([{ message: 'null value in column "line"' }]);
});
