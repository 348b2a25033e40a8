import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { type CommandContext, createCommandContext } from '../../src/commands/context.ts';
import { createRunWaker } from '../../src/events/waker.ts';
import { createLogger } from '../../src/log.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { testDatabase } from './database.ts';
import { openFiles } from './filePolicy.ts';

export const silent = createLogger('test', 'silent');

export interface TestContext extends CommandContext {
  readonly url: string;
  /** Ends everything and drops the database. */
  close(): Promise<void>;
}

/** Commands over a database, a job queue and a blob folder of their own. */
export async function testContext(): Promise<TestContext> {
  const db = await testDatabase();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-blobs-'));
  const queue = await openQueue(db.url, { consumes: true, log: silent });
  const waker = createRunWaker(db);
  const files = openFiles(folder);
  const context = createCommandContext({ db, queue, blobs: createLocalStore(folder), files, waker });
  return {
    ...context,
    url: db.url,
    close: async () => {
      await context.threads.close();
      await waker.close();
      await queue.close();
      await db.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
