/** One worker: imports data sets and trains, one run per device at a time. Any number of them share a database through DATABASE_URL. */

import { forgetSecrets, readConfig } from '../config.ts';
import { requireMigrated } from '../db/migrate.ts';
import { createLogger } from '../log.ts';
import { createAuthenticator, everybodyIsLocal } from '../server/auth/authenticator.ts';
import { requireSafeBind } from '../server/auth/bind.ts';
import { openFront } from '../server/front.ts';
import { createReadiness, serviceChecks } from '../server/readiness.ts';
import { workerPort } from '../server/workerPort.ts';
import { startWorker } from '../worker/worker.ts';
import { Closers } from './closers.ts';
import { awaitStop, runProgram } from './process.ts';
import { openServices, provideDatabase } from './services.ts';

await runProgram(async () => {
  const config = readConfig(process.env);
  forgetSecrets(process.env);
  const log = createLogger('worker', config.logLevel);
  const stop = awaitStop();
  // The server that started this worker is gone, however it went.
  process.once('disconnect', stop.request);
  const closers = new Closers();
  try {
    if (config.workerPort !== undefined) requireSafeBind(config);
    const front =
      config.workerPort === undefined
        ? undefined
        : await openFront({ host: config.host, port: config.workerPort }, 'RUNGRAPH_WORKER_PORT');
    // Closed last: until then it says that the worker is not ready.
    if (front) closers.add(front.close);
    const url = await provideDatabase(config, closers);
    await requireMigrated(url);
    const { context, listener } = await openServices(url, config, log, closers, { consumes: true });
    const worker = await startWorker({ config, ctx: context, listener, log });
    closers.add(worker.stop);
    const readiness = createReadiness(serviceChecks(context, listener), { log });
    const { identify } = config.access.authenticated
      ? createAuthenticator({ commands: context, log })
      : everybodyIsLocal;
    front?.serve(workerPort({ readiness, registry: worker.metrics.registry, identify }));
    if (front) log.info({ url: front.url }, 'health and metrics');
    log.info('ready');
    // A worker that was told to stop has done so in order; one that may not go on says why.
    const outdated = await Promise.race([stop.requested, worker.outdated]);
    readiness.drain();
    if (typeof outdated === 'number') return 0;
    log.error(outdated);
    return 1;
  } finally {
    await closers.close();
  }
});
