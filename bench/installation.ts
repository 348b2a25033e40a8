/** What benches of a running server start from: a database, commands over it, and a server that is a process of its own. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalStore } from '../src/blobs/localStore.ts';
import { type CommandContext, createCommandContext } from '../src/commands/context.ts';
import { openDatabase } from '../src/db/database.ts';
import { startEmbeddedPostgres } from '../src/db/embeddedPostgres.ts';
import { migrate } from '../src/db/migrate.ts';
import { createRunWaker } from '../src/events/waker.ts';
import { createLogger } from '../src/log.ts';
import { openQueue } from '../src/queue/queue.ts';
import { spawnTypeScript } from '../test/support/processes.ts';

/** Gives `work` the commands over an empty database, and a folder. Nothing is left. */
export async function withCommands(
  work: (ctx: CommandContext, place: { readonly home: string; readonly databaseUrl: string }) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'rungraph-bench-'));
  const postgres = await startEmbeddedPostgres(home, { settings });
  try {
    await migrate(postgres.url);
    const db = await openDatabase(postgres.url);
    const queue = await openQueue(postgres.url, { consumes: false, log: createLogger('bench', 'silent') });
    const waker = createRunWaker(db);
    const limits = { uploadLimitBytes: 2 ** 30, uploadsLimitBytes: 2 ** 30, unpackedLimitBytes: 2 ** 30 };
    const files = { home, dataRoots: null, weightsRoots: null, ...limits };
    const ctx = createCommandContext({ db, queue, blobs: createLocalStore(join(home, 'blobs')), files, waker });
    try {
      await work(ctx, { home, databaseUrl: postgres.url });
    } finally {
      await ctx.threads.close();
      await waker.close();
      await queue.close();
      await db.close();
    }
  } finally {
    await postgres.stop();
    await rm(home, { recursive: true });
  }
}

/** Gives `work` the commands and the URL of a server over the same, empty, database. Nothing is left. */
export function withServer(work: (ctx: CommandContext, url: string) => Promise<void>): Promise<void> {
  return withCommands(async (ctx, { home, databaseUrl }) => {
    const server = spawnTypeScript('src/bin/server.ts', [], {
      ...{ DATABASE_URL: databaseUrl, RUNGRAPH_HOME: join(home, 'server'), PORT: '0', RUNGRAPH_LOG: 'warn' },
    });
    try {
      const [, url] = await server.until(/Rungraph server at (http:\/\/\S+)/);
      await work(ctx, url!);
    } finally {
      server.child.kill('SIGTERM');
      await server.finished;
    }
  });
}
