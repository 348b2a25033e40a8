/** One worker: imports data sets and trains, one run per device at a time. Any number of them share a database through DATABASE_URL. */

import { readConfig } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createLogger } from '../log.ts';
import { startWorker } from '../worker/worker.ts';
import { Closers } from './closers.ts';
import { awaitStop, runProgram } from './process.ts';
import { openServices, provideDatabase } from './services.ts';

await runProgram(async () => {
  const config = readConfig(process.env);
  // no process that this one starts shall have it
  delete process.env.HF_TOKEN;
  const log = createLogger('worker', config.logLevel);
  const stop = awaitStop();
  // The server that started this worker is gone, however it went.
  process.once('disconnect', stop.request);
  const closers = new Closers();
  try {
    const url = await provideDatabase(config, closers);
    await migrate(url);
    const { context, listener } = await openServices(url, config, log, closers, { consumes: true });
    const worker = await startWorker({ config, ctx: context, listener, log });
    closers.add(worker.stop);
    log.info({ worker: worker.id }, 'ready');
    await stop.requested;
    return 0;
  } finally {
    await closers.close();
  }
});
