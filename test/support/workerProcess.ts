/** A worker as a process of its own, for tests that kill it: DATABASE_URL, TRAINER_MODULE. Prints `ready <worker id>`. */

import { createLocalStore } from '../../src/blobs/localStore.ts';
import { createCommandContext } from '../../src/commands/context.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createListener } from '../../src/db/listener.ts';
import { createRunWaker } from '../../src/events/waker.ts';
import { createLogger } from '../../src/log.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startWorker } from '../../src/worker/worker.ts';
import { openFiles } from './filePolicy.ts';

const config = readConfig(process.env);
const url = config.databaseUrl!;
const log = createLogger('worker', config.logLevel);
const db = await openDatabase(url);
const queue = await openQueue(url, { consumes: true, log });
const files = openFiles(config.home);
const ctx = createCommandContext({ db, queue, blobs: createLocalStore(config.home), files, waker: createRunWaker(db) });
const listener = createListener(url);
const worker = await startWorker({ config, ctx, listener, log, trainerModule: process.env.TRAINER_MODULE! });
console.log(`ready ${worker.id}`);
process.on('SIGTERM', () => {
  void worker.stop().then(() => process.exit(0));
});
