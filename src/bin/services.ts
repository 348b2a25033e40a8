import { type CommandContext, createCommandContext } from '../commands/context.ts';
import type { Config } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { startEmbeddedPostgres } from '../db/embeddedPostgres.ts';
import { createListener, type Listener } from '../db/listener.ts';
import { createRunWaker } from '../events/waker.ts';
import type { Logger } from '../log.ts';
import { makeFolder } from '../makeFolder.ts';
import { openQueue } from '../queue/queue.ts';
import { openBlobStore } from './blobStore.ts';
import type { Closers } from './closers.ts';
import { unwritable } from './home.ts';

/** What a server and a worker both stand on. */
export interface Services {
  readonly context: CommandContext;
  readonly listener: Listener;
}

/** Connects to a migrated database and whatever lies on it; `closers` gets what must be closed. */
export async function openServices(
  url: string,
  config: Config,
  log: Logger,
  closers: Closers,
  { consumes }: { readonly consumes: boolean },
): Promise<Services> {
  const db = await openDatabase(url);
  closers.add(db.close);
  const queue = await openQueue(url, { consumes, log });
  closers.add(queue.close);
  const waker = createRunWaker(db);
  closers.add(waker.close);
  const listener = createListener(url);
  closers.add(listener.close);
  const blobs = await openBlobStore(config);
  const { home, dataRoots, weightsRoots, uploadLimitBytes, uploadsLimitBytes, unpackedLimitBytes } = config;
  const files = { home, dataRoots, weightsRoots, uploadLimitBytes, uploadsLimitBytes, unpackedLimitBytes };
  const context = createCommandContext({ db, queue, blobs, files, waker });
  closers.add(context.threads.close);
  return { context, listener };
}

/** URL of DATABASE_URL's server, or of the home's embedded one, which is joined, or started for as long as `closers` are open. */
export async function provideDatabase(config: Config, closers: Closers): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const postgres = await makeFolder(config.home)
    .then(() => startEmbeddedPostgres(config.home))
    .catch((error: unknown) => {
      throw unwritable(config.home, error);
    });
  if (!postgres.joined) closers.add(postgres.stop);
  return postgres.url;
}
