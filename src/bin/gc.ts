import { cleanUp } from '../commands/housekeeping.ts';
import type { Config } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createLogger } from '../log.ts';
import { Closers } from './closers.ts';
import { openServices, provideDatabase } from './services.ts';

/** `gc`: does at once what a server does every hour, also while servers run. */
export async function gc(config: Config): Promise<number> {
  const closers = new Closers();
  try {
    const url = await provideDatabase(config, closers);
    await migrate(url);
    const log = createLogger('gc', config.logLevel);
    const { context } = await openServices(url, config, log, closers, { consumes: false });
    const cleaned = await cleanUp(context, { policy: config.retention });
    process.stdout.write(
      cleaned
        ? `Removed ${cleaned.blobs} blobs that nothing names (${cleaned.bytes} bytes), details of ${cleaned.prunedRuns} runs, ` +
            `${cleaned.checkpoints} checkpoints, ${cleaned.auditEntries} entries of the audit log, ` +
            `${cleaned.idempotencyKeys} idempotency keys, ${cleaned.workers} workers\n`
        : 'Another process is cleaning up\n',
    );
    return 0;
  } finally {
    await closers.close();
  }
}
