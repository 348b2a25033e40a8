import { cleanUp } from '../commands/housekeeping.ts';
import type { Config } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createLogger } from '../log.ts';
import { parseWords } from './arguments.ts';
import { Closers } from './closers.ts';
import { openServices, provideDatabase } from './services.ts';

const usage = `Usage: rungraph gc

Does at once what a server does every hour, also while servers run: removes blobs that nothing has named for an hour, details of
runs, entries of the audit log and other rows that are older than RUNGRAPH_KEEP_DETAILS_DAYS and its neighbours say, and says how
much that was. No blob goes while a backup is written.

  --help   prints this

RUNGRAPH_HOME, DATABASE_URL and RUNGRAPH_BLOBS are those of the server.
`;

/** `gc`: does at once what a server does every hour, also while servers run. */
export async function gc(args: readonly string[], config: Config): Promise<number> {
  if (!parseWords({ command: 'gc', usage, words: 0 }, args)) {
    process.stdout.write(usage);
    return 0;
  }
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
