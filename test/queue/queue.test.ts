import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Consumer, openQueue, type Queue } from '../../src/queue/queue.ts';
import { silent } from '../support/commandContext.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let db: TestDatabase;
let queue: Queue;
beforeAll(async () => {
  db = await testDatabase();
  queue = await openQueue(db.url, { consumes: true, log: silent });
});
afterAll(async () => {
  await queue.close();
  await db.drop();
});

const enqueue = (...runIds: string[]) =>
  db.prisma.$transaction(async (tx) => {
    await queue.enqueue(tx, 'run', ...runIds.map((runId) => ({ runId })));
  });

test('a job exists if and only if its transaction commits, and jobs come oldest first', async () => {
  const failed = db.prisma.$transaction(async (tx) => {
    await queue.enqueue(tx, 'run', { runId: 'rolled back' });
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  const ids = Array.from({ length: 8 }, (_, i) => `run ${i}`);
  await enqueue(...ids);

  const seen: string[] = [];
  const consumer = await queue.work('run', async ({ payload }) => void seen.push(payload.runId), { concurrency: 1 });
  await expect.poll(() => seen.length).toBe(ids.length);
  expect(seen).toEqual(ids);
  await consumer.stop();
});

/** Takes a job and keeps it in hand until `finish` is called; `seen` has the runs whose jobs were begun. */
async function takeOne(): Promise<{ consumer: Consumer; seen: string[]; finish: () => void }> {
  const seen: string[] = [];
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = await queue.work(
    'run',
    async ({ payload }) => {
      seen.push(payload.runId);
      await finished;
    },
    { concurrency: 1 },
  );
  return { consumer, seen, finish };
}

test('jobs are withdrawn if and only if the transaction commits; one in hand stays', async () => {
  await enqueue('begun', 'unwanted', 'wanted');
  const { consumer, seen, finish } = await takeOne();
  await expect.poll(() => seen).toEqual(['begun']);
  const failed = db.prisma.$transaction(async (tx) => {
    await queue.withdraw(tx, 'run', { runId: 'wanted' });
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  await db.prisma.$transaction((tx) => queue.withdraw(tx, 'run', { runId: 'begun' }, { runId: 'unwanted' }));
  const left = await db.pool.query(
    `select data->>'runId' as id, state::text from pgboss.job where completed_on is null order by created_on`,
  );
  expect(left.rows).toEqual([
    { id: 'begun', state: 'active' },
    { id: 'wanted', state: 'created' },
  ]);
  finish();
  await expect.poll(() => seen).toEqual(['begun', 'wanted']);
  await consumer.stop();
});

test('a job whose handler throws comes again, marked', async () => {
  await enqueue('unlucky');
  const seen: boolean[] = [];
  const consumer = await queue.work(
    'run',
    async ({ redelivered }) => {
      seen.push(redelivered);
      if (!redelivered) throw new Error('first time');
    },
    { concurrency: 1 },
  );
  await expect.poll(() => seen).toEqual([false, true]);
  await consumer.stop();
});

test('stopping takes no more jobs and waits for the one in hand', async () => {
  await enqueue('in hand', 'left');
  const { consumer, seen: started, finish } = await takeOne();
  await expect.poll(() => started).toEqual(['in hand']);
  let stopped = false;
  const stopping = consumer.stop().then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  finish();
  await stopping;
  expect(started).toEqual(['in hand']);

  const again: string[] = [];
  const next = await queue.work('run', async ({ payload }) => void again.push(payload.runId), { concurrency: 1 });
  await expect.poll(() => again).toEqual(['left']);
  await next.stop();
});

test('a job that is wanted again comes before those that wait, and not before its time', async () => {
  await enqueue('waits');
  await db.prisma.$transaction(async (tx) => {
    await queue.requeue(tx, 'run', { runId: 'later' }, 3600);
    await queue.requeue(tx, 'run', { runId: 'again' }, 0);
  });
  const seen: string[] = [];
  const consumer = await queue.work('run', async ({ payload }) => void seen.push(payload.runId), { concurrency: 1 });
  await expect.poll(() => seen).toEqual(['again', 'waits']);
  await consumer.stop();
  const left = await db.pool.query(
    `select data->>'runId' as id, start_after > now() + interval '3590 s' as later from pgboss.job where completed_on is null`,
  );
  expect(left.rows).toEqual([{ id: 'later', later: true }]);
  await db.prisma.$transaction((tx) => queue.withdraw(tx, 'run', { runId: 'later' }));
});

describe('a job that takes longer than pg-boss lets it', () => {
  const expireInSeconds = 6;
  const jobs = async () =>
    (
      await db.pool.query<{ id: string; runId: string; state: string }>(
        `select id, data->>'runId' as "runId", state::text from pgboss.job where completed_on is null order by created_on`,
      )
    ).rows;
  let shortLived: Queue;
  beforeAll(async () => {
    shortLived = await openQueue(db.url, { consumes: true, log: silent, expireInSeconds });
  });
  afterAll(() => shortLived.close());

  /** A job in hand, once it has been made fresh twice, past its expiry. */
  async function longJob(runId: string) {
    await db.prisma.$transaction((tx) => shortLived.enqueue(tx, 'run', { runId }));
    const seen: { id: string; redelivered: boolean }[] = [];
    const { promise: over, resolve: finish, reject: fail } = withResolvers();
    const consumer = await shortLived.work(
      'run',
      async ({ id, redelivered }) => {
        seen.push({ id, redelivered });
        if (!redelivered) await over;
      },
      { concurrency: 1 },
    );
    const ids = new Set<string>();
    const collect = async () => {
      for (const { id } of await jobs()) ids.add(id);
      return ids.size;
    };
    await expect.poll(collect, { interval: 100 }).toBeGreaterThan(2);
    return { seen, ids, consumer, finish, fail };
  }

  test('goes on in a fresh job in the same hands, and is done when its handler returns', async () => {
    const { seen, ids, consumer, finish } = await longJob('long');
    expect(seen).toEqual([{ id: [...ids][0], redelivered: false }]);
    expect(await jobs()).toMatchObject([{ runId: 'long', state: 'active' }]);
    // One at a time also now, though pg-boss has given the handler up.
    await db.prisma.$transaction((tx) => shortLived.enqueue(tx, 'run', { runId: 'next' }));
    const stopping = consumer.stop();
    finish();
    await stopping;
    expect(seen).toHaveLength(1);
    expect(await jobs()).toMatchObject([{ runId: 'next', state: 'created' }]);
    await db.prisma.$transaction((tx) => shortLived.withdraw(tx, 'run', { runId: 'next' }));
  });

  test('comes again when its handler throws', async () => {
    const { seen, consumer, fail } = await longJob('long and unlucky');
    fail(new Error('at last'));
    await expect.poll(() => seen.map((job) => job.redelivered)).toEqual([false, true]);
    await consumer.stop();
    expect(await jobs()).toEqual([]);
  });
});

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
