import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createListener, type Listener } from '../../src/db/listener.ts';
import { type TestDatabase, testDatabase, testServer } from '../support/database.ts';

async function setUp(): Promise<{ db: TestDatabase; listener: Listener }> {
  const db = await testDatabase();
  const listener = createListener(db.url);
  onTestFinished(() => listener.close());
  return { db, listener };
}

const notify = (db: TestDatabase, channel: string, payload: string) =>
  db.pool.query('select pg_notify($1, $2)', [channel, payload]);

/** Ends every listening connection of the database from the server's side. */
async function cut(db: TestDatabase): Promise<void> {
  const admin = new pg.Client({ connectionString: await testServer() });
  await admin.connect();
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query ilike 'listen %'`,
    [new URL(db.url).pathname.slice(1)],
  );
  await admin.end();
}

test('payloads arrive in order, per channel, until unsubscribed', async () => {
  const { db, listener } = await setUp();
  const heard: string[] = [];
  const stop = listener.listen('run_event', (payload) => heard.push(payload));
  listener.listen('Odd "name"', (payload) => heard.push(`odd ${payload}`));
  await listener.ready();
  for (const payload of ['a', 'b']) await notify(db, 'run_event', payload);
  await notify(db, 'Odd "name"', 'c');
  await notify(db, 'nobody', 'x');
  await expect.poll(() => heard).toEqual(['a', 'b', 'odd c']);
  stop();
  await listener.ready();
  await notify(db, 'run_event', 'late');
  await notify(db, 'Odd "name"', 'd');
  await expect.poll(() => heard).toEqual(['a', 'b', 'odd c', 'odd d']);
});

test('two listeners of one channel are independent', async () => {
  const { db, listener } = await setUp();
  const heard: string[] = [];
  const same = (payload: string) => heard.push(payload);
  const stop = listener.listen('run_event', same);
  listener.listen('run_event', same);
  await listener.ready();
  await notify(db, 'run_event', 'both');
  await expect.poll(() => heard).toEqual(['both', 'both']);
  stop();
  stop();
  await listener.ready();
  await notify(db, 'run_event', 'one');
  await expect.poll(() => heard).toEqual(['both', 'both', 'one']);
});

test('a cut connection comes back, says so, and hears old and new channels', async () => {
  const { db, listener } = await setUp();
  const heard: string[] = [];
  let reconnects = 0;
  listener.onReconnect(() => reconnects++);
  listener.listen('run_event', (payload) => heard.push(payload));
  await listener.ready();
  for (let round = 1; round <= 3; round++) {
    await cut(db);
    await expect.poll(() => reconnects).toBe(round);
    listener.listen(`extra_${round}`, (payload) => heard.push(`extra ${payload}`));
    await listener.ready();
    await notify(db, 'run_event', `after ${round}`);
    await notify(db, `extra_${round}`, String(round));
    await expect.poll(() => heard.slice(-2)).toEqual([`after ${round}`, `extra ${round}`]);
  }
});

test('close ends it, also while the database is away', async () => {
  const listener = createListener('postgresql://nobody@127.0.0.1:1/none');
  listener.listen('run_event', () => {});
  await listener.close();
  await listener.ready();
});
