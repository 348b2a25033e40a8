/** Jobs that survive every process: pg-boss, in its own schema of the same database. */

import { randomUUID } from 'node:crypto';
import { fromPrisma, PgBoss } from 'pg-boss';
import { connectionOptions } from '../db/connection.ts';
import type { Transaction } from '../db/database.ts';
import { type Logger, logIds, withLogIds } from '../log.ts';
import { handleLongJob } from './longJob.ts';

/** Every kind of job with its payload. */
export interface JobPayloads {
  /** A run to train or a memory probe to make: one attempt of it. */
  run: { readonly runId: string };
  'dataset.import': { readonly datasetId: string };
}
export type JobKind = keyof JobPayloads;

export interface Job<K extends JobKind> {
  readonly id: string;
  readonly payload: JobPayloads[K];
  /** True when somebody had this job before and did not end it: threw, or was lost. */
  readonly redelivered: boolean;
}

export interface Consumer {
  /** Takes no more jobs; resolves when the handlers in progress have ended. */
  stop(): Promise<void>;
}

export interface Queue {
  /**
   * Adds jobs that exist if and only if `tx` commits, to be taken in this order. They keep the id of the request in progress: what
   * their handlers log carries it.
   */
  enqueue<K extends JobKind>(tx: Transaction, kind: K, ...payloads: readonly JobPayloads[K][]): Promise<void>;
  /** Adds a job as `enqueue` does, to be taken before all that wait, in so many seconds at the earliest. */
  requeue<K extends JobKind>(tx: Transaction, kind: K, payload: JobPayloads[K], afterSeconds: number): Promise<void>;
  /**
   * Gives the job with this payload to whoever is there, if it is in hands that took it by then: for a caller who knows that they are
   * dead, which the queue itself notices after 10 s only. Says whether there was one.
   */
  redeliver<K extends JobKind>(tx: Transaction, kind: K, payload: JobPayloads[K], takenBy: Date): Promise<boolean>;
  /** Takes back the jobs with these payloads that nobody has begun, if and only if `tx` commits. */
  withdraw<K extends JobKind>(tx: Transaction, kind: K, ...payloads: readonly JobPayloads[K][]): Promise<void>;
  /**
   * Hands jobs to `handler`, oldest first, at most `concurrency` at a time. A handler that returns has done its job, however long
   * that took; when it throws, or when this process dies (noticed within about 10 s), the job is delivered again to whoever is there.
   */
  work<K extends JobKind>(
    kind: K,
    handler: (job: Job<K>) => Promise<void>,
    options: { readonly concurrency: number },
  ): Promise<Consumer>;
  /** Stops every consumer, waits for their handlers, disconnects. */
  close(): Promise<void>;
}

const schema = 'pgboss';

/** Longest time pg-boss lets a job run: it takes less than 24 h. Jobs that take longer are made fresh on the way. */
const longestJobSeconds = 86_399;

const settings = {
  /** Silence after which a job's worker counts as lost; pg-boss takes 10 at least. */
  heartbeatSeconds: 10,
  /** Without end: runs count their lost attempts themselves, and a run whose job is gone would wait for ever. */
  retryLimit: 2 ** 30,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 4,
  deleteAfterSeconds: 86_400,
  retentionSeconds: 30 * 86_400,
  notify: true,
};

/** Milliseconds that closing waits for handlers. */
const closeTimeout = 30_000;

export interface QueueOptions {
  /** Whether this process works on jobs; only such processes look for lost jobs, once a second. */
  readonly consumes: boolean;
  readonly log: Logger;
  /** After how many seconds pg-boss takes a job away. */
  readonly expireInSeconds?: number;
}

/** Connects, making pg-boss's tables where they are missing. */
export async function openQueue(url: string, options: QueueOptions): Promise<Queue> {
  const { consumes, log, expireInSeconds = longestJobSeconds } = options;
  const { connectionString, options: session } = connectionOptions(url);
  const boss = new PgBoss({
    connectionString: connectionString!,
    ...(session === undefined ? {} : { options: session }),
    schema,
    max: 4,
    schedule: false,
    supervise: consumes,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    useListenNotify: consumes,
  });
  boss.on('error', (error) => log.warn({ err: error }, 'job queue'));
  await boss.start();
  const kinds: readonly JobKind[] = ['run', 'dataset.import'];
  for (const kind of kinds) {
    await boss.createQueue(kind, settings);
    // Also where an earlier version has made it.
    await boss.updateQueue(kind, { ...settings, expireInSeconds });
  }

  return {
    enqueue: async (tx, kind, ...payloads) => {
      const { requestId } = logIds();
      const jobs = payloads.map((payload) => ({ id: randomUUID(), data: { ...payload, requestId } }));
      await boss.insert(kind, jobs, { db: fromPrisma(tx) });
      // pg-boss stamps jobs with their transaction's time, which ties those of one sweep; its order is by this stamp alone.
      await tx.$executeRaw`
        update pgboss.job set created_on = statement_timestamp() + place.position * interval '1 microsecond'
        from unnest(${jobs.map((job) => job.id)}::uuid[]) with ordinality place (id, position)
        where job.name = ${kind} and job.id = place.id`;
    },
    requeue: async (tx, kind, payload, afterSeconds) => {
      const { requestId } = logIds();
      const job = { data: { ...payload, requestId }, priority: 1, startAfter: afterSeconds };
      await boss.insert(kind, [job], { db: fromPrisma(tx) });
    },
    redeliver: async (tx, kind, payload, takenBy) => {
      const count = await tx.$executeRaw`
        update pgboss.job
        set state = 'retry', start_after = now(), heartbeat_on = null, priority = 1
        where name = ${kind} and state = 'active' and started_on <= ${takenBy} and data @> ${JSON.stringify(payload)}::text::jsonb`;
      return count > 0;
    },
    withdraw: async (tx, kind, ...payloads) => {
      if (!payloads.length) return;
      await tx.$executeRaw`
        delete from pgboss.job where name = ${kind} and state in ('created', 'retry')
        and data @> any(${payloads.map((payload) => JSON.stringify(payload))}::text[]::jsonb[])`;
    },
    work: async (kind, handler, { concurrency }) => {
      const handling = new Set<Promise<void>>();
      const id = await boss.work<JobPayloads[typeof kind] & { readonly requestId?: string }>(
        kind,
        {
          localConcurrency: concurrency,
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: 0.5,
          heartbeatRefreshSeconds: 3,
        },
        async ([job]) => {
          if (!job) return;
          const { requestId, ...payload } = job.data;
          const given = { id: job.id, payload: payload as JobPayloads[typeof kind], redelivered: job.retryCount > 0 };
          const handled = withLogIds({ requestId, jobId: job.id }, () =>
            handleLongJob(boss, kind, job, () => handler(given), log),
          );
          handling.add(handled);
          await handled.finally(() => handling.delete(handled));
        },
      );
      return {
        stop: async () => {
          await boss.offWork(kind, { id, wait: true });
          // pg-boss does not wait for those that took longer than it lets a job run.
          await Promise.allSettled(handling);
        },
      };
    },
    close: () => boss.stop({ graceful: true, timeout: closeTimeout }),
  };
}
