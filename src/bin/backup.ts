/** `backup FILE` and `restore FILE`. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { restoreBackup, verifyBackup } from '../backup/restore.ts';
import { writeBackup } from '../backup/writeBackup.ts';
import { finishRestore } from '../commands/finishRestore.ts';
import type { Config } from '../config.ts';
import { messageOf, StartupError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { parseWords } from './arguments.ts';
import { openBlobStore } from './blobStore.ts';
import { Closers } from './closers.ts';
import { claimHome } from './home.ts';
import { openServices, provideDatabase } from './services.ts';

const backupUsage = `Usage: rungraph backup FILE

Writes the database at one moment and every blob that it names into one tar file, also while servers and workers run. FILE appears
whole or not at all, and only its owner can read it. While it is written no blob is removed.

  --help   prints this

RUNGRAPH_HOME, DATABASE_URL and RUNGRAPH_BLOBS are those of the server. Not in it: folders of images, caches, sessions of the
dashboard. rungraph restore FILE reads it.
`;

const restoreUsage = `Usage: rungraph restore FILE

Fills an empty home or database with what rungraph backup has written, by this version or an older one. FILE is checked as a whole
before anything changes; a database that has rows is refused. Runs that were under way are queued again and go on from their
checkpoints. API keys are as they were then, those too that were revoked since.

  --help   prints this

RUNGRAPH_HOME, DATABASE_URL and RUNGRAPH_BLOBS say where it goes. No server may run there.
`;

/** Also while servers and workers run. */
export async function backup(args: readonly string[], config: Config): Promise<number> {
  const words = parseWords({ command: 'backup', usage: backupUsage, words: 1 }, args);
  if (!words) {
    process.stdout.write(backupUsage);
    return 0;
  }
  const file = path.resolve(words[0]!);
  const closers = new Closers();
  const bar = openBar('Backing up');
  try {
    const url = await provideDatabase(config, closers);
    const blobs = await openBlobStore(config);
    const contents = await writeBackup({ url, blobs, file, now: new Date(), onProgress: bar.tell });
    bar.stop();
    const rows = contents.tables.reduce((sum, table) => sum + table.rows, 0);
    const { size } = await stat(file);
    process.stdout.write(`${file}: ${rows} rows, ${contents.blobs.length} blobs, ${size} bytes\n`);
    return 0;
  } finally {
    bar.stop();
    await closers.close();
  }
}

/** Into an empty home or database that no server runs on. */
export async function restore(args: readonly string[], config: Config): Promise<number> {
  const words = parseWords({ command: 'restore', usage: restoreUsage, words: 1 }, args);
  if (!words) {
    process.stdout.write(restoreUsage);
    return 0;
  }
  const file = path.resolve(words[0]!);
  const { size } = await stat(file).catch((error: unknown) => {
    throw new StartupError(`${file} cannot be read (${messageOf(error)})`);
  });
  const checking = openBar('Checking');
  const closers = new Closers();
  try {
    const { header, contents } = await verifyBackup(file, (bytes) => checking.tell(bytes, size));
    checking.stop();
    const home = await claimHome(config.home);
    closers.add(home.release);
    const url = await provideDatabase(config, closers);
    const blobs = await openBlobStore(config);
    const restoring = openBar('Restoring');
    closers.add(restoring.stop);
    await restoreBackup({ url, blobs, file, onBytes: (bytes) => restoring.tell(bytes, size) }, header);
    restoring.stop();
    const log = createLogger('restore', config.logLevel);
    const { context } = await openServices(url, config, log, closers, { consumes: false });
    await finishRestore(context);
    const rows = contents.tables.reduce((sum, table) => sum + table.rows, 0);
    process.stdout.write(
      `Restored ${rows} rows and ${contents.blobs.length} blobs of ${header.createdAt} (Rungraph ${header.version})\n`,
    );
    if (contents.tables.some((table) => table.name === 'api_key' && table.rows > 0)) {
      process.stdout.write(
        'API keys are as they were then, those too that were revoked since: rungraph keys list shows them, rungraph keys revoke ID ends one\n',
      );
    }
    return 0;
  } finally {
    checking.stop();
    await closers.close();
  }
}

/** On a terminal only, as the logs go to files too. */
function openBar(title: string): { tell(done: number, total: number): void; stop(): void } {
  const bar = new SingleBar({
    format: `${title} {bar} {percentage} %  {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    noTTYOutput: false,
  });
  let started = false;
  return {
    tell: (done, total) => {
      if (!started) bar.start(total, done);
      started = true;
      bar.update(done);
    },
    stop: () => {
      if (started) bar.stop();
      started = false;
    },
  };
}
