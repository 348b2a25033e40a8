import { finishRestore } from '../commands/finishRestore.ts';
import { type Config, forgetSecrets } from '../config.ts';
import { startEmbeddedPostgres } from '../db/embeddedPostgres.ts';
import { migrate } from '../db/migrate.ts';
import { createRunEventHub } from '../events/hub.ts';
import type { Logger } from '../log.ts';
import { requireSafeBind } from '../server/auth/bind.ts';
import { openFront } from '../server/front.ts';
import { startServer } from '../server/server.ts';
import { listApiKeys } from '../store/apiKey.ts';
import { Closers } from './closers.ts';
import { claimHome } from './home.ts';
import { startHousekeeping } from './housekeeping.ts';
import { keepPostgres } from './postgresKeeper.ts';
import { openServices } from './services.ts';
import { startWorkerChild } from './workerChild.ts';

export interface Installation {
  /** Of the server, without a slash at the end. */
  readonly url: string;
  /** Stops everything that was started, the embedded database included. */
  stop(): Promise<void>;
}

/**
 * A server on its home: the database (embedded, or DATABASE_URL's), its migrations, HTTP and WebSocket, and with `worker` a worker
 * as a child process. Throws StartupError, with nothing left running, when any of it cannot be had.
 */
export async function startInstallation(
  config: Config,
  log: Logger,
  { worker }: { readonly worker: boolean },
): Promise<Installation> {
  forgetSecrets(process.env);
  requireSafeBind(config);
  const closers = new Closers();
  try {
    const home = await claimHome(config.home);
    closers.add(home.release);
    const front = await openFront(config);
    let serving = false;
    closers.add(() => (serving ? undefined : front.close()));
    let url = config.databaseUrl;
    if (url === undefined) {
      // Whoever owns the home owns its database, also one that a killed server left running.
      const postgres = await startEmbeddedPostgres(config.home);
      closers.add(postgres.stop);
      closers.add(keepPostgres(config.home, log));
      url = postgres.url;
    }
    const applied = await migrate(url);
    if (applied.length) log.info({ applied }, 'the database was migrated');

    const { context, listener } = await openServices(url, config, log, closers, { consumes: false });
    if (await finishRestore(context)) log.info('what ran when the backup was made is queued again');
    if (config.access.authenticated && !(await listApiKeys(context.db.prisma, { revoked: false })).length) {
      log.warn(
        'there is no API key yet, so nobody is let in: rungraph keys create --name NAME --scope ADMIN makes one',
      );
    }
    const hub = createRunEventHub(context.db, listener, {
      onReadFailure: (error) => log.warn({ err: error }, 'run events could not be read; trying again'),
    });
    closers.add(hub.close);
    closers.add(startHousekeeping(context, { policy: config.retention }, log));
    const server = await startServer({ config, front, commands: context, hub, listener, log });
    serving = true;
    const child = worker ? startWorkerChild(config, url, log) : undefined;
    // Not ready any more from here on, and nothing more is claimed; requests are finished while the worker winds down.
    closers.add(async () => {
      await Promise.all([server.stop(), child?.stop()]);
    });
    return { url: server.url, stop: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
