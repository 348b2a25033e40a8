/** Whether a process can do its work now, and if not, what keeps it from it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../commands/context.ts';
import type { Listener } from '../db/listener.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { countJobs } from '../queue/jobCounts.ts';
import { readMigrations } from '../store/installation.ts';
import { version } from '../version.ts';

/** What is wrong, in words for everybody; null when nothing is. Throwing is a problem, too, which only the log names. */
export type Check = () => Promise<string | null> | string | null;

export interface ReadinessReport {
  readonly status: 'ok' | 'unavailable';
  /** By name of the check: `ok`, or the problem. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface Readiness {
  /** Looks at everything, at most once in `maxAgeMs`. */
  report(): Promise<ReadinessReport>;
  /** From now on the process is not ready: it is about to end. */
  drain(): void;
}

/** Milliseconds that a report is good for, and after which a check that has not answered has failed. */
const defaults = { maxAgeMs: 1_000, timeoutMs: 2_000 };

/** @param options.log is told when the process ceases to be ready, and when it is again */
export function createReadiness(
  checks: Readonly<Record<string, Check>>,
  options: { readonly log: Logger; readonly maxAgeMs?: number; readonly timeoutMs?: number },
): Readiness {
  const { log, maxAgeMs, timeoutMs } = { ...defaults, ...options };
  let draining = false;
  let ready = true;
  let newest: { readonly at: number; readonly results: Promise<Record<string, string>> } | undefined;

  async function run(name: string, check: Check): Promise<string> {
    const end = new AbortController();
    const late = sleep(timeoutMs, `no answer within ${timeoutMs / 1000} s`, { signal: end.signal }).catch(() => null);
    try {
      return (await Promise.race([check(), late])) ?? 'ok';
    } catch (error) {
      log.debug({ err: error, check: name }, 'a check failed');
      return 'cannot be told';
    } finally {
      end.abort();
    }
  }

  async function runAll(): Promise<Record<string, string>> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await run(name, check)]),
    );
    return Object.fromEntries(results) as Record<string, string>;
  }

  return {
    async report() {
      if (!newest || Date.now() - newest.at >= maxAgeMs) newest = { at: Date.now(), results: runAll() };
      const results = { ...(await newest.results), draining: draining ? 'this process is about to end' : 'ok' };
      const status = Object.values(results).every((result) => result === 'ok') ? 'ok' : 'unavailable';
      if (ready !== (status === 'ok')) {
        ready = !ready;
        if (ready) log.info('ready again');
        else log.warn({ checks: results }, 'not ready');
      }
      return { status, checks: results };
    },
    drain() {
      draining = true;
    },
  };
}

/** What servers and workers stand on. */
export function serviceChecks(
  { db, blobs }: Pick<CommandContext, 'db' | 'blobs'>,
  listener: Pick<Listener, 'connected'>,
): Record<string, Check> {
  return {
    database: () =>
      db.pool.query('select 1').then(
        () => null,
        () => 'PostgreSQL does not answer',
      ),
    migrations: async () => {
      const { missing, unknown } = await readMigrations(db.prisma);
      if (missing.length) return `the database lacks ${missing.join(', ')}`;
      return unknown.length ? `the database has ${unknown.join(', ')}, which ${version} does not know` : null;
    },
    queue: () =>
      countJobs(db).then(
        () => null,
        () => 'the tables of the job queue cannot be read',
      ),
    listener: () => (listener.connected ? null : 'the connection that listens for notifications is away'),
    blobs: () =>
      blobs.checkWritable().then(
        () => null,
        (error: unknown) => `nothing can be stored: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`,
      ),
  };
}
